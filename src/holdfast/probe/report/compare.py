"""`--compare`: what became better or worse since an earlier run, beyond what chance does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .document import TOOL, VERSION
from .gantt import Line
from .looks import as_seconds

#: A time differs if it is this much longer or shorter, and by so many seconds. Two runs of the
#: same thing on one machine differ by less.
SHARE, SECONDS = 0.25, 0.1


class NotComparableError(ValueError):
    """The two runs don't say anything about each other. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was.

    Attributes:
        worse: or else better.
        what: `new: …`, `gone: …`, or times: `GET /api/ …`.
    """

    worse: bool
    what: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that is not as it was; the worse first."""

    differences: Sequence[Difference]

    @property
    def worse(self) -> bool:
        """Something became worse. For CI this is a failure."""
        return any(one.worse for one in self.differences)

    def lines(self) -> Iterator[Line]:
        """For people."""
        if not self.differences:
            yield [("As before", "bold"), (": nothing differs by more than chance does.", "")]
        for one in self.differences:
            mark, style = ("worse ", "bold red") if one.worse else ("better", "bold green")
            yield [(mark, style), (f"  {one.what}", "")]

    def as_data(self) -> dict[str, Any]:
        """For programs."""
        found = [{"worse": one.worse, "what": one.what} for one in self.differences]
        return {"worse": self.worse, "differences": found}


def read(path: Path) -> dict[str, Any]:
    """An earlier document.

    Raises:
        NotComparableError: it can't be read, is no document of ours, or of another version.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise NotComparableError(f"{path} can't be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise NotComparableError(
            f"{path} is no JSON document: give one that `{TOOL} --json` has written."
        ) from error
    if not isinstance(found, dict) or found.get("tool") != TOOL:
        raise NotComparableError(f"{path} was not written by `{TOOL} --json`.")
    if found.get("version") != VERSION:
        raise NotComparableError(
            f"{path} has version {found.get('version')!r}, and this Holdfast compares {VERSION}:"
            " make it anew."
        )
    return found


def compared(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> Comparison:
    """What is not as it was.

    Args:
        earlier: what `document.as_data` gave then.
        later: what it gives now.

    Raises:
        NotComparableError: they had other users, or no path in common.
    """
    try:
        return _compared(earlier, later)
    except NotComparableError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise NotComparableError(
            f"The earlier document lacks something, or has it otherwise ({error!r}): make it anew."
        ) from error


def _compared(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> Comparison:
    if earlier["users"] != later["users"]:
        raise NotComparableError(
            f"The earlier run had --users {earlier['users']}, and this one {later['users']}: take"
            " as many for both."
        )
    before, after = earlier["runs"][0], later["runs"][0]
    if not set(before["paths"]) & set(after["paths"]):
        raise NotComparableError("The two runs asked for different paths: take the same for both.")
    found = [
        *_of_findings(earlier["findings"], later["findings"]),
        *_of_concurrency(earlier, later),
        *_of_paths(earlier, later),
    ]
    return Comparison(sorted(found, key=lambda one: not one.worse))


def _of_findings(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> Iterator[Difference]:
    # What was not proved may come and go by chance.
    old = {(one["code"], one["culprit"]): one for one in before if one["proved"]}
    new = {(one["code"], one["culprit"]): one for one in after if one["proved"]}
    for key, one in new.items():
        if key not in old:
            yield Difference(worse=True, what=f"new: {one['code']}: {one['sentence']}")
    for key, one in old.items():
        if key not in new:
            yield Difference(worse=False, what=f"gone: {one['code']}: {one['culprit']}")


def _of_concurrency(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> Iterator[Difference]:
    """How far from the ideal: a slower machine makes both longer, and is nobody's fault."""
    before, after = _over(earlier), _over(later)
    if _differs(before, after):
        yield Difference(
            worse=after > before,
            what=f"all users: {_against(earlier)} before, {_against(later)} now",
        )


def _against(document: Mapping[str, Any]) -> str:
    return f"{as_seconds(document['wall'])} (at best {as_seconds(document['ideal'])})"


def _over(document: Mapping[str, Any]) -> float:
    """Seconds beyond the ideal that weren't the machine's fault."""
    over: float = document["wall"] - document["ideal"] - document["starved"]
    return max(over, 0.0)


def _of_paths(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> Iterator[Difference]:
    before, after = earlier["runs"][0]["paths"], later["runs"][0]["paths"]
    for name in sorted(set(before) & set(after)):
        old, new = before[name], after[name]
        path = name.partition(" ")[2]
        failed = _failed(new) / new["requests"] - _failed(old) / old["requests"]
        if failed:
            yield Difference(
                worse=failed > 0,
                what=f"{name}: {_failed(old)} of {old['requests']} failed before,"
                f" {_failed(new)} of {new['requests']} now",
            )
        alone = earlier["alone"].get(path), later["alone"].get(path)
        if None not in alone and _differs(*alone):
            yield Difference(
                worse=alone[1] > alone[0],
                what=f"{name} alone: {as_seconds(alone[0])} before, {as_seconds(alone[1])} now",
            )
        if _differs(old["median"], new["median"]) and _differs(old["p95"], new["p95"]):
            yield Difference(
                worse=new["median"] > old["median"],
                what=f"{name} among others: {as_seconds(old['median'])} before,"
                f" {as_seconds(new['median'])} now, for half of them",
            )


def _failed(path: Mapping[str, Any]) -> int:
    return sum(
        number
        for status, number in path["statuses"].items()
        if int(status) == 0 or int(status) >= 500  # noqa: PLR2004 - the server's own failures
    )


def _differs(before: float, after: float) -> bool:
    return abs(after - before) >= max(SECONDS, SHARE * min(before, after))
