"""Reading files one by one, in this process or a worker: what they say, then what is wrong."""

from __future__ import annotations

import hashlib
import os
import pickle
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import sources
from .comments import Comment, comments_in
from .file import File
from .findings import Finding
from .index import ModuleIndex, index_of, is_test
from .lifetimes import Lifetimes
from .rules import all_rules
from .sources import Source

#: Syntax trees of so much source text are kept from the first look to the second; one letter of
#: source takes about a hundred bytes of tree. The others are made twice.
_KEPT_BYTES = 6_000_000


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that is to be read.

    Attributes:
        path: where it is.
        name: from the project's root on, with `/`.
        judged: whether its findings are asked for; else it is there for what it says to others.
        module: by which name it is imported.
        is_package: whether it is a package's `__init__.py`.
    """

    path: str
    name: str
    judged: bool
    module: str
    is_package: bool


@dataclass(frozen=True, slots=True)
class Indexed:
    """What the first look gave.

    Attributes:
        name: as in `Listed`.
        stamp: of the content that was read.
        index: a pickled `ModuleIndex`; empty, if the file can't be parsed.
        problem: why not.
        lines: how many it has.
    """

    name: str
    stamp: str
    index: bytes
    problem: str
    lines: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What the second look gave.

    Attributes:
        name: as in `Listed`.
        findings: all of them.
        comments: those that may leave some out.
        problem: why the file could not be judged, or not by all rules.
        libraries: modules of installed packages that were looked for here for the first time.
    """

    name: str
    findings: list[Finding] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    problem: str = ""
    libraries: dict[str, str] = field(default_factory=dict)


def stamp_of(data: bytes, listed: Listed) -> str:
    """What tells one state of a file from another: its content, and how it is imported."""
    imported = b"%s\0%d\0" % (os.fsencode(listed.module), listed.is_package)
    return hashlib.sha256(imported + data).hexdigest()


class Reader:
    """Reads files, and remembers syntax trees from the first look to the second."""

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}
        self._room = _KEPT_BYTES

    def index(self, listed: Listed) -> Indexed:
        """The first look at a file."""
        path = Path(listed.path)
        try:
            data = sources.content(path)
        except sources.UnreadableError as error:
            return Indexed(listed.name, "", b"", str(error), 0)
        stamp = stamp_of(data, listed)
        source = replace(sources.parsed(path, data), name=listed.module)
        lines = source.text.count("\n")
        if source.tree is None:
            return Indexed(listed.name, stamp, b"", source.problem, lines)
        try:
            index = index_of(source)
        except Exception as error:  # noqa: BLE001 - whatever somebody's file holds, others go on
            return Indexed(listed.name, stamp, b"", _failed("the doctor", error), lines)
        index.path = f"./{listed.name}"
        if listed.judged and not is_test(listed.name) and len(data) <= self._room:
            self._room -= len(data)
            self._sources[listed.name] = source
        return Indexed(listed.name, stamp, pickle.dumps(index, protocol=5), "", lines)

    def judge(self, listed: Listed, index: ModuleIndex, lifetimes: Lifetimes) -> Judged:
        """The second look at a file, when all others are known."""
        source = self._sources.pop(listed.name, None) or sources.read(Path(listed.path))
        if source.tree is None:
            return Judged(listed.name, problem=source.problem)
        file = File(source, listed.name, index, lifetimes)
        found: list[Finding] = []
        problem = ""
        before = lifetimes.project.libraries
        for rule in all_rules():
            try:
                found += rule.check(file)
            except Exception as error:  # noqa: BLE001 - as above
                problem = problem or _failed(f"the rule {rule.code}", error)
        after = lifetimes.project.libraries
        looked_for = {name: after[name] for name in after.keys() - before.keys()}
        return Judged(listed.name, found, comments_in(source), problem, looked_for)


def _failed(what: str, error: Exception) -> str:
    return f"{what} failed here, please report it: {type(error).__name__}: {error}"[:300]
