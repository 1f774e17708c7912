"""Goes through findings, has each mended or refused, and proves what came out.

A round mends what it can, at most one finding in each stretch of a file. Then the doctor looks at
the changed files again, with the whole project around them: what was mended must be gone, and
nothing new may be there. A file in which that isn't so is taken back, and its findings are tried
one by one. Rounds go on until nothing is left to be mended.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from .. import sources
from ..file import File
from ..findings import Finding
from ..index import ModuleIndex, index_of
from ..lifetimes import Lifetimes
from ..names import FunctionNode
from ..project import Project
from ..rules import all_rules
from ..sources import Source
from . import (
    s1_of_the_request,
    s3_state,
    s4_async_capable,
    s6_client_address,
    s7_body_tee,
    s10_on_commit,
)
from .code import Code
from .outcome import Mended, MendedFile, Outcome, Refusal, RefusedError

Mend = Callable[[Finding, Code], str]
#: By the classes of findings, and codes of their own.
_MENDS: dict[str, Mend] = {
    "S1a": s1_of_the_request.mend,
    "S3a": s3_state.mend,
    "S4a": s4_async_capable.mend,
    "S4b": s4_async_capable.mend,
    "S4c": s4_async_capable.mend,
    "S6a": s6_client_address.mend,
    "S7a": s7_body_tee.mend,
    "S10a": s10_on_commit.mend,
}
MENDABLE = frozenset(_MENDS)
_MOST_ROUNDS = 200
_Key = tuple[str, str, str]


def mended(
    findings: Sequence[Finding],
    files: Mapping[str, Path],
    known: Mapping[str, ModuleIndex] = MappingProxyType({}),
) -> Outcome:
    """Mend what can be mended; nothing is written.

    Args:
        findings: what the doctor found, and what of it is to be mended.
        files: all Python files of the project, by their paths as findings name them.
        known: what is known of them already: only those with findings are read then.

    Returns:
        The changed files, and what stays and why: each finding that can be mended is in it once.
    """
    wanted = [one for one in findings if one.code in _MENDS]
    return _Mending(files, known, {one.path for one in wanted}).run(wanted) if wanted else Outcome()


class _Mending:
    def __init__(
        self, files: Mapping[str, Path], known: Mapping[str, ModuleIndex], wanted: set[str]
    ) -> None:
        self.sources: dict[str, Source] = {}
        self.indexes: dict[str, ModuleIndex] = {}
        for shown, path in files.items():
            if shown in known and shown not in wanted:
                self.indexes[shown] = known[shown]
            else:
                self._take(shown, sources.read(path))
        self.lifetimes = Lifetimes(Project(self.indexes.values()))
        self.files: dict[str, _Patient] = {}

    def _take(self, shown: str, source: Source) -> None:
        self.sources[shown] = source
        self.indexes.pop(shown, None)
        if source.tree is not None:
            self.indexes[shown] = index_of(source)

    def _file(self, shown: str) -> File:
        return File(self.sources[shown], shown, self.indexes[shown], self.lifetimes)

    def _look(self, shown: str) -> list[Finding]:
        """What the doctor finds in the file as it is now."""
        file = self._file(shown)
        found = [finding for rule in all_rules() for finding in rule.check(file)]
        return sorted(found, key=lambda one: (one.line, one.code))

    def run(self, wanted: Sequence[Finding]) -> Outcome:
        self._begin(wanted)
        for _ in range(_MOST_ROUNDS):
            for shown, patient in self.files.items():
                patient.round(self._file(shown))
            changed = [shown for shown, patient in self.files.items() if patient.tried]
            if not changed:
                break
            self._prove(changed)
        patients = [patient for _, patient in sorted(self.files.items())]
        return Outcome(
            [patient.file for patient in patients if patient.file.mended],
            [one for patient in patients for one in patient.refused],
        )

    def _begin(self, wanted: Sequence[Finding]) -> None:
        """Look the findings up anew, so that their places are those of the files as they are."""
        known: dict[str, set[tuple[int, str, str]]] = {}
        for one in wanted:
            if one.path in self.indexes:
                known.setdefault(one.path, set()).add((one.line, one.code, one.attribute))
        for shown, places in known.items():
            path = self.sources[shown].path
            data = sources.content(path)
            found = self._look(shown)
            todo = [one for one in found if (one.line, one.code, one.attribute) in places]
            self.files[shown] = _Patient(MendedFile(path, shown, data, data), found, todo)

    def _prove(self, changed: list[str]) -> None:
        """Look again at the files; take back those in which something isn't as it should be."""
        before = {shown: self.sources[shown] for shown in changed}
        for shown in changed:
            self._take(shown, sources.parsed(before[shown].path, self.files[shown].result))
        self.lifetimes = Lifetimes(Project(self.indexes.values()))
        taken_back = False
        for shown in changed:
            if not self.files[shown].accepts(self._look(shown)):
                self._take(shown, before[shown])
                taken_back = True
        if taken_back:
            self.lifetimes = Lifetimes(Project(self.indexes.values()))


class _Patient:
    """One file on its way.

    Args:
        file: as it was, and as far as it has come.
        found: all that the doctor finds in it.
        todo: what of that is to be mended.
    """

    def __init__(self, file: MendedFile, found: list[Finding], todo: list[Finding]) -> None:
        self.file = file
        self.found = found
        self.todo = todo
        #: Of the round that runs: what is mended, what is refused, and what comes out.
        self.tried: list[Mended] = []
        self.refused: list[Refusal] = []
        self.result = b""
        self._one_by_one = False
        self._given_up: dict[_Key, str] = {}

    def round(self, file: File) -> None:
        """Mend what can be mended at once."""
        self.tried, self.refused = [], []
        taken: list[range] = []
        # Where a middleware is to get an async half, the other one is right by then.
        for finding in sorted(self.todo, key=lambda one: one.code.startswith("S4")):
            region = _region(file, finding)
            if (self._one_by_one and self.tried) or any(_meet(region, one) for one in taken):
                continue  # in the next round
            why, note = self._given_up.get(_key(finding), ""), ""
            try:
                # On its own first: a mend that is refused half-way leaves nothing.
                if not why:
                    note = _mend(finding, Code(file, self.file.after))
            except Exception as error:  # noqa: BLE001 - one finding must not end the others
                why = _reason(error)
            if why:
                self.refused.append(Refusal(finding, why))
            else:
                taken.append(region)
                self.tried.append(Mended(finding, note))
        if self.tried:
            self._write(file)

    def _write(self, file: File) -> None:
        try:
            code = Code(file, self.file.after)
            for one in self.tried:
                _mend(one.finding, code)
            self.result = code.result()
            compile(self.result, file.path, "exec", dont_inherit=True)
        except Exception as error:  # noqa: BLE001 - as above
            self._give_up(_reason(error))
            self.result = self.file.after
        else:
            if self.result == self.file.after:
                self._give_up("the doctor would still find it")

    def accepts(self, after: list[Finding]) -> bool:
        """Whether the result is as it should be, seen by what the doctor finds in it."""
        if self.result == self.file.after:
            return True  # nothing came of this round
        why = _judged(self.found, after, self.tried)
        if why:
            self._give_up(why)
            return False
        asked = self.todo
        left = Counter(map(_key, asked)) - Counter(_key(one.finding) for one in self.tried)
        self.todo = []
        for one in after:
            if left[_key(one)] > 0:
                left[_key(one)] -= 1
                self.todo.append(one)
        # What went with another one is gone as well.
        tried = {id(one.finding) for one in self.tried}
        others = [one for one in asked if id(one) not in tried and left[_key(one)] > 0]
        self.file.mended += [*self.tried, *map(Mended, others)]
        self.file.after, self.found = self.result, after
        self._given_up.clear()  # what was wrong may have been this
        return True

    def _give_up(self, why: str) -> None:
        """Try the file's findings one by one; where that was done, leave this one for good."""
        if len(self.tried) == 1:
            self._given_up[_key(self.tried[0].finding)] = why
        self._one_by_one = True


def _reason(error: Exception) -> str:
    if isinstance(error, RefusedError):
        return str(error)
    if isinstance(error, SyntaxError):
        return "it would not compile"
    text = " ".join(str(error).split())[:200]
    return f"mending it failed, which is a fault of the doctor's: {type(error).__name__}: {text}"


def _mend(finding: Finding, code: Code) -> str:
    return _MENDS[finding.code](finding, code)


def _key(finding: Finding) -> _Key:
    """What tells a finding wherever its line has gone."""
    return finding.code, finding.symbol, finding.attribute


def _judged(before: list[Finding], after: list[Finding], tried: list[Mended]) -> str:
    """What is wrong with what came out; empty, if nothing is."""
    expected = Counter(_key(one) for one in before)
    expected.subtract(Counter(_key(one.finding) for one in tried))
    found = Counter(_key(one) for one in after)
    for key, count in found.items():
        if count > expected[key]:
            if any(_key(one.finding) == key for one in tried):
                return "the doctor would still find it"
            return f"the doctor would find {key[0]} in what came out"
    return ""


_Place = ast.ClassDef | FunctionNode


def _region(file: File, finding: Finding) -> range:
    """The lines that mending the finding may change: its class, or its function."""
    line = finding.line
    if finding.code == "S3a":
        return range(10**9)
    if finding.code == "S10a":
        return range(line, finding.end_line + 1)
    whole = finding.code.startswith(("S1", "S4"))
    places: list[_Place] = [one.node for one in file.classes] if whole else []
    if not places or not any(_around(node, line) for node in places):
        places = [one.node for one in file.functions if one.outer is None or not whole]
    around = [node for node in places if _around(node, line)]
    if not around:
        return range(line, finding.end_line + 1)
    outer = min(around, key=lambda node: node.lineno)
    return range(outer.lineno, (outer.end_lineno or outer.lineno) + 1)


def _around(node: object, line: int) -> bool:
    return getattr(node, "lineno", 0) <= line <= (getattr(node, "end_lineno", 0) or 0)


def _meet(one: range, other: range) -> bool:
    return one.start < other.stop and other.start < one.stop
