"""Examining a project: which files, what of them is known already, and reading the rest."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from . import sources
from .comments import Comment
from .findings import Finding
from .globs import matches
from .index import ModuleIndex, is_test
from .kept import Kept, Results, records, state_of
from .lifetimes import Lifetimes
from .project import Project, origin_of
from .reader import Judged, Listed, stamp_of
from .workers import Readers, patient_collector, processors


@dataclass(frozen=True, slots=True)
class Problem:
    """A file, or a folder, that could not be examined.

    Attributes:
        path: from the project's root on.
        message: why.
    """

    path: str
    message: str


@dataclass(slots=True)
class Examination:
    """What was found in a project, before anything is left out.

    Attributes:
        root: the project's folder; all paths are from there on.
        files: those that were asked for.
        findings: in them, by place.
        comments: of each file that has ignore comments.
        problems: what could not be examined.
        lines: of source that were read, or known.
        reread: how many files had to be read again, as they, or what they depend on, had changed.
        seconds: how long it took.
    """

    root: Path
    files: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    comments: dict[str, list[Comment]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    lines: int = 0
    reread: int = 0
    seconds: float = 0.0


#: Told what is being done, how many files of it are done, and of how many.
Progress = Callable[[str, int, int], None]


def examine(
    places: Iterable[Path],
    root: Path,
    *,
    around: Iterable[Path] = (),
    exclude: Collection[str] = (),
    kept: Kept | None = None,
    jobs: int = 0,
    progress: Progress = lambda _what, _done, _of: None,
) -> Examination:
    """Examine files and folders. Nothing of them is imported or run.

    Args:
        places: what is asked for.
        root: the folder that paths are told from.
        around: more files and folders, which are read for what they say to the first.
        exclude: patterns of paths to leave out, as in `globs`.
        kept: what is known from earlier runs; None: nothing, and nothing is kept.
        jobs: how many processes read; default: as many as there are processors.
        progress: is told what is done.

    Raises:
        FileNotFoundError: a place doesn't exist.
    """
    started = time.monotonic()
    run = _Run(root.resolve(), kept, jobs or processors(), progress)
    run.list(places, around, exclude)
    if not run.all_known():
        run.read()
    found = run.examination()
    found.seconds = time.monotonic() - started
    return found


class _Run:
    def __init__(self, root: Path, kept: Kept | None, jobs: int, progress: Progress) -> None:
        self.root = root
        self.kept = kept
        self.jobs = jobs
        self.progress = progress
        self.files: dict[str, Listed] = {}
        self.modules: set[str] = set()
        self.sizes: dict[str, int] = {}
        self.problems: dict[str, str] = {}
        self.results = Results()
        self.before: Results | None = None
        self.reread = 0
        self.indexes: dict[str, ModuleIndex] = {}

    # Which files

    def list(
        self, places: Iterable[Path], around: Iterable[Path], exclude: Collection[str]
    ) -> None:
        """Find the files, and the state of each."""

        def unlisted(error: OSError) -> None:
            name = self._name(Path(error.filename or "."))
            self.problems[name] = f"it can't be listed: {error.strerror or error}"

        def left_out(path: Path) -> bool:
            return bool(exclude) and matches(self._name(path), exclude)

        for judged, wanted in ((True, places), (False, around)):
            absolute = [Path(os.path.abspath(place)) for place in wanted]  # noqa: PTH100 - links stay
            for path in sources.python_files(absolute, left_out=left_out, unlisted=unlisted):
                name = self._name(path)
                if name not in self.files:
                    self.files[name] = Listed(str(path), name, judged, *self._module(path, name))
        for done, (name, listed) in enumerate(self.files.items()):
            self.progress("looking", done, len(self.files))
            path = Path(listed.path)
            try:
                data = sources.content(path)
            except sources.UnreadableError as error:
                self.problems[name] = str(error)
            else:
                self.sizes[name] = len(data)
                self.results.stamps[name] = stamp_of(data, listed)

    def _module(self, path: Path, name: str) -> tuple[str, bool]:
        """The name that the file is imported by, and whether it is a package.

        Where folders are no packages, two files may claim one name: then the later one is called
        by its whole path, so that neither hides the other.
        """
        module, is_package = sources.module_name(path)
        if module in self.modules:
            module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        self.modules.add(module)
        return module, is_package

    def _name(self, path: Path) -> str:
        """From the root on; a file that is elsewhere keeps its whole path."""
        try:
            return path.relative_to(self.root).as_posix()
        except ValueError:
            try:
                return path.resolve().relative_to(self.root).as_posix()
            except (ValueError, OSError, RuntimeError):
                return path.as_posix()

    def all_known(self) -> bool:
        """Whether an earlier run has found all that is asked for."""
        before = self.before = None if self.kept is None else self.kept.results()
        if before is None:
            return False
        same_libraries = all(
            state_of(origin_of(name, sys.path)) == state for name, state in before.libraries.items()
        )
        if not same_libraries:
            before.facts = ""  # none of what was found can be relied on; what files say can
            return False
        if before.stamps != self.results.stamps:
            return False
        self.results = before
        return all(name in before.judged for name in self._to_judge())

    def _to_judge(self) -> Iterable[str]:
        return (
            name
            for name, listed in self.files.items()
            if listed.judged
            and name in self.results.stamps
            and name not in self.results.problems
            and not is_test(name)
        )

    # Reading

    def read(self) -> None:
        """Read what isn't known, and keep it."""
        said = {} if self.kept is None else self.kept.indexes()
        stamps = self.results.stamps
        known = {name: said[name] for name in stamps if self._is_known(name, said.get(name))}
        missing = [
            (self.files[name], self.sizes[name])
            for name in stamps
            if name not in known and not self._stays_unread(name)
        ]
        done = 0

        def told() -> None:
            nonlocal done
            done += 1
            self.progress(doing, done, of)

        with Readers(self.jobs, told) as readers:
            doing, of = "reading", len(missing)
            for one in readers.index(missing):
                if one.stamp and one.stamp != stamps[one.name]:
                    stamps[one.name] = one.stamp  # it was written in this moment
                self.results.lines[one.name] = one.lines
                if one.problem:
                    self.results.problems[one.name] = one.problem
                else:
                    known[one.name] = (one.stamp, one.index)
            with patient_collector():
                lifetimes, indexes = self._understood(known)
            todo = list(self._still_to_judge())
            done, doing, of = 0, "judging", len(todo)
            listed = [(self.files[name], self.sizes[name]) for name in todo]
            for judged in readers.judge(listed, lifetimes, indexes):
                self.results.judged[judged.name] = judged
        self.reread = len({listed.name for listed, _ in missing} | set(todo))
        if self.kept is not None:
            self._keep(lifetimes, known, changed=known != said)

    def _is_known(self, name: str, said: Any) -> bool:
        """Whether what was kept of a file is of its content, and can be read."""
        match said:
            case (str(stamp), bytes(index)) if stamp == self.results.stamps[name]:
                try:
                    self.indexes[name] = records(index)
                except Exception:  # noqa: BLE001 - whatever is wrong with it, the file is there
                    return False
                return True
        return False

    def _stays_unread(self, name: str) -> bool:
        """Whether the same content could not be parsed before."""
        before = self.before
        if (
            before is None
            or name not in before.problems
            or before.stamps.get(name) != self.results.stamps[name]
        ):
            return False
        self.results.problems[name] = before.problems[name]
        self.results.lines[name] = before.lines.get(name, 0)
        return True

    def _understood(
        self, said: dict[str, tuple[str, bytes]]
    ) -> tuple[Lifetimes, dict[str, ModuleIndex]]:
        """What all files together say."""
        self.progress("understanding", 0, 0)
        indexes: dict[str, ModuleIndex] = {}
        digest = hashlib.sha256()
        for name in self.files:
            if name in said:
                stamp, index = said[name]
                # Everything has been through bytes: nothing hangs on which process read it.
                indexes[name] = self.indexes[name] if name in self.indexes else records(index)
                digest.update(os.fsencode(name) + hashlib.sha256(index).digest())
                if self.before is not None and self.before.stamps.get(name) == stamp:
                    self.results.lines.setdefault(name, self.before.lines.get(name, 0))
        self.results.facts = digest.hexdigest()
        lifetimes = Lifetimes(Project(indexes.values()))
        # Found out once, not once in each process.
        for known in (lifetimes.project, lifetimes):
            _find_out(known)
        for module in indexes.values():
            for name in module.classes:
                lifetimes.kind(f"{module.name}.{name}")
        return lifetimes, indexes

    def _still_to_judge(self) -> Iterable[str]:
        """Files of which it isn't known what is found in them, given what all say."""
        before = self.before
        if before is not None and before.facts == self.results.facts:
            for name, judged in before.judged.items():
                stamp = self.results.stamps.get(name)
                if stamp is not None and before.stamps.get(name) == stamp:
                    self.results.judged[name] = judged
        return (name for name in self._to_judge() if name not in self.results.judged)

    def _keep(
        self, lifetimes: Lifetimes, said: dict[str, tuple[str, bytes]], *, changed: bool
    ) -> None:
        if self.kept is None:
            return
        paths = dict(lifetimes.project.libraries)
        for judged in self.results.judged.values():
            paths.update(judged.libraries)
        self.results.libraries = {name: state_of(path) for name, path in paths.items()}
        self.kept.keep(self.results, said if changed else None)

    # What was found

    def examination(self) -> Examination:
        """All of it."""
        found = Examination(self.root, lines=sum(self.results.lines.values()), reread=self.reread)
        problems = {**self.results.problems, **self.problems}
        for name, listed in self.files.items():
            if not listed.judged:
                problems.pop(name, None)
                continue
            found.files.append(name)
            judged = self.results.judged.get(name, Judged(name))
            found.findings += judged.findings
            if judged.comments:
                found.comments[name] = judged.comments
            if judged.problem:
                problems.setdefault(name, judged.problem)
        found.findings.sort(key=lambda one: (one.path, one.line, one.column, one.code))
        found.problems = [Problem(name, problems[name]) for name in sorted(problems)]
        return found


def _find_out(known: Any) -> None:
    """Compute all that an object finds out when it is first asked."""
    for name, value in vars(type(known)).items():
        if isinstance(value, cached_property):
            getattr(known, name)
