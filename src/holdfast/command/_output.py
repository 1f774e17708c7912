"""What a command says: to people as lines and tables, to programs as JSON."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import enum
import json
import os
import pprint
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from importlib.util import find_spec
from types import NoneType
from typing import Any, TextIO
from uuid import UUID

#: Sentences that are broken later than here are hard to read.
_WIDEST = 100


class Output:
    """Where a command writes to.

    Args:
        stream: usually the standard output.
        as_json: whether programs read it: one JSON document, on one line.

    People at a terminal get colours where `rich` is installed; nothing needs it.
    """

    def __init__(self, stream: TextIO, *, as_json: bool = False) -> None:
        self._stream = stream
        self.as_json = as_json

    @property
    def coloured(self) -> bool:
        """Whether the looks of `lines` will be seen, and letters beyond ASCII."""
        encoding = (getattr(self._stream, "encoding", None) or "").lower()
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return self._is_rich() and not plain and encoding.startswith("utf")

    def rows(self, rows: Sequence[Mapping[str, Any]], empty: str) -> None:
        """A table, whose columns are the keys of the first row; *empty*, where there is none."""
        if self.as_json:
            self._write_json(rows)
        elif not rows:
            self._write(empty)
        elif self._is_rich():
            self._write_rich_table(rows)
        else:
            self._write_table(rows)

    def record(self, record: Mapping[str, Any], text: str) -> None:
        """Some facts for programs, and what people are told instead."""
        if self.as_json:
            self._write_json(record)
        else:
            self._write(text)

    def value(self, value: Any, facts: Mapping[str, Any]) -> None:
        """A value as Python would write it; for programs, with the *facts* about it."""
        if self.as_json:
            self._write_json({**facts, "value": value})
        elif self._is_rich():
            from rich.console import Console
            from rich.pretty import Pretty

            Console(file=self._stream).print(Pretty(value), soft_wrap=True)
        else:
            self._write(pprint.pformat(value, width=100, sort_dicts=False))

    def document(self, text: str) -> None:
        """A whole text, as it is, with its last line's end."""
        self._stream.write(text)

    def lines(self, made: Callable[[int | None], Iterable[Sequence[tuple[str, str]]]]) -> None:
        """Lines in pieces: the text of each, and how it looks where there are colours.

        Args:
            made: gives the lines, for a width; None: no person looks at a terminal.
        """
        if not self._is_rich():
            width = None
            if self._stream.isatty():
                width = min(shutil.get_terminal_size().columns, _WIDEST)
            for line in made(width):
                self._write("".join(piece for piece, _ in line))
            return
        from rich.console import Console
        from rich.text import Text

        console = Console(file=self._stream)
        for line in made(min(console.width, _WIDEST)):
            pieces = ((printable(piece), style) for piece, style in line)
            console.print(Text.assemble(*pieces), soft_wrap=True)

    def _write(self, text: str) -> None:
        self._stream.write(printable(text) + "\n")

    def _write_json(self, data: Any) -> None:
        self._stream.write(json.dumps(as_json(data), ensure_ascii=True) + "\n")

    def _is_rich(self) -> bool:
        return self._stream.isatty() and find_spec("rich") is not None

    def _write_rich_table(self, rows: Sequence[Mapping[str, Any]]) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for column in rows[0]:
            numbers = all(isinstance(row[column], int) for row in rows)
            table.add_column(column, justify="right" if numbers else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(shown(row[column])) for column in rows[0]))
        Console(file=self._stream).print(table)

    def _write_table(self, rows: Sequence[Mapping[str, Any]]) -> None:
        columns = list(rows[0])
        lines = [columns, *([shown(row[column]) for column in columns] for row in rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
        for line in lines:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self._stream.write("  ".join(cells).rstrip() + "\n")


def shown(cell: Any) -> str:
    """What people see in a cell of a table."""
    if cell is None:
        return "-"
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}"
    return printable(str(cell))


def printable(text: str) -> str:
    """*text* without what a terminal would obey: what is in a store may come from anybody."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1] for letter in text
    )


def as_json(value: Any) -> Any:
    """*value*, made of what JSON has. What it has nothing for is written as a text."""
    for kinds, convert in _CONVERSIONS:
        if isinstance(value, kinds):
            return convert(value)
    return repr(value)


def _number(value: float) -> Any:
    # JSON has no infinities, and nothing that is no number.
    return value if value - value == 0 else str(value)


def _mapping(value: Mapping[Any, Any]) -> Any:
    return {_json_key(key): as_json(item) for key, item in value.items()}


def _sequence(value: Sequence[Any]) -> Any:
    return [as_json(item) for item in value]


def _set(value: AbstractSet[Any]) -> Any:
    return sorted((as_json(item) for item in value), key=repr)


#: The first that fits. An enum may be a number or a text, too.
_CONVERSIONS: tuple[tuple[tuple[type, ...], Callable[[Any], Any]], ...] = (
    ((enum.Enum,), repr),
    ((NoneType, bool, str), lambda value: value),
    ((int, float), _number),
    ((dict, Mapping), _mapping),
    ((list, tuple), _sequence),
    ((set, frozenset), _set),
    ((bytes, bytearray), lambda value: base64.b64encode(value).decode()),
    ((dt.date, dt.time), lambda value: value.isoformat()),
    ((dt.timedelta,), dt.timedelta.total_seconds),
    ((decimal.Decimal, UUID), str),
)


def _json_key(key: Any) -> str:
    if isinstance(key, enum.Enum):
        return repr(key)
    simple = as_json(key)
    return simple if isinstance(simple, str) else json.dumps(simple)
