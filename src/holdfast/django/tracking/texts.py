"""SQL texts, so that those which differ in the length of a list only are analysed once.

Placeholders (`%s`, `%(name)s`) become names that a parser knows: `:p0`, `:p1`. A list after IN and
the rows of an INSERT become one placeholder, or one row, each with a `Place` that says which of the
parameters stand there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Parameters = Sequence[Any] | Mapping[str, Any] | None

#: Longer ones are not analysed, but for the table that they write to.
LONGEST = 40_000

_LIST = re.compile(r"\bIN \((%s(?:, ?%s)+)\)", re.IGNORECASE)
_ROWS = re.compile(
    r"(?P<row>\((?:%s|DEFAULT|NULL)(?:, (?:%s|DEFAULT|NULL))*\))(?P<more>(?:, (?P=row))+)"
)
_PLACEHOLDER = re.compile(r"%s|%\((\w+)\)s|%%|\x00(\d+)\x01|\x02(\d+)\x03")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the parameters the values of one placeholder stand.

    Attributes:
        start: the index of the first one, or its name.
        step: from one to the next.
        count: how many there are.
    """

    start: int | str
    step: int = 1
    count: int = 1

    def values(self, parameters: Parameters) -> list[Any]:
        """The values.

        Raises:
            LookupError, TypeError: there are fewer parameters.
        """
        if isinstance(self.start, str):
            return [parameters[self.start]]  # type: ignore[index, call-overload]
        return [
            parameters[self.start + self.step * each]  # type: ignore[index]
            for each in range(self.count)
        ]


@dataclass(frozen=True, slots=True)
class Text:
    """A text for the parser, and the place of each of its placeholders."""

    sql: str
    places: tuple[Place, ...]


def normalised(sql: str, *, has_parameters: bool) -> Text:
    """*sql* with named placeholders, and with lists and rows that are as short as can be.

    Args:
        sql: as it is given to Django's cursor.
        has_parameters: whether it comes with any. Without, a percent sign is one.
    """
    if not has_parameters:
        return Text(sql, ())
    # Two steps: what is folded is marked first, and told by its mark when numbers are given.
    folded = _LIST.sub(lambda found: f"IN (\x00{found[1].count('%s')}\x01)", sql)
    folded = _ROWS.sub(_fold_rows, folded)
    places: list[Place] = []
    position = 0
    rows = 1
    row_end = -1
    row_start = 0
    width = 0

    def name(found: re.Match[str]) -> str:
        nonlocal position, rows, row_end, row_start, width
        if found[0] == "%%":
            return "%"
        if found[3]:  # the rows that follow are folded into the next one
            rows = int(found[3])
            row_end = folded.index(")", found.end())
            width = folded.count("%s", found.end(), row_end)
            row_start = position
            return ""
        if found[1]:
            places.append(Place(found[1]))
        elif found[2]:
            places.append(Place(position, 1, int(found[2])))
            position += int(found[2])
        elif found.start() < row_end:
            places.append(Place(position, width, rows))
            position += 1
            if position == row_start + width:  # on to what stands behind all rows
                position = row_start + width * rows
        else:
            places.append(Place(position))
            position += 1
        return f":p{len(places) - 1}"

    return Text(_PLACEHOLDER.sub(name, folded), tuple(places))


def _fold_rows(found: re.Match[str]) -> str:
    row = found["row"]
    rows = 1 + len(found["more"]) // (len(row) + 2)
    return f"\x02{rows}\x03{row}"
