"""Parts of the benchmarks on a terminal, as Markdown and as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from .report import Goal, Part

_WORDS = {True: "met", False: "missed"}


def show(part: Part, console: Console) -> None:
    """Print the tables of one part."""
    console.rule(part.title)
    for table in part.tables:
        shown = RichTable(title=table.title, caption=table.note or None, title_justify="left")
        shown.add_column("")
        for column in table.columns:
            shown.add_column(column, justify="right")
        for row in table.rows:
            # As Text, so that brackets are no markup.
            cells = [Text(cell) for cell in (row.name, *row.cells)]
            shown.add_row(*cells, style="bold" if row.ours else None)
        console.print(shown)


def show_goals(goals: Iterable[Goal], console: Console) -> None:
    """Print each goal beside what was measured."""
    shown = RichTable(title="Goals", title_justify="left")
    for column in ("goal", "measured: median (quartiles)", ""):
        shown.add_column(column)
    for goal in goals:
        style = "green" if goal.met else "red"
        shown.add_row(Text(goal.text), Text(goal.measured), Text(_WORDS[goal.met], style=style))
    console.print(shown)


def as_markdown(parts: Iterable[Part]) -> str:
    """The same for the documentation."""
    parts = list(parts)
    lines = _markdown_table(
        ("Goal", "Measured: median (quartiles)", ""),
        [(goal.text, goal.measured, _WORDS[goal.met]) for part in parts for goal in part.goals],
    )
    for part in parts:
        lines += [f"### {part.title}", ""]
        for table in part.tables:
            rows = [(row.name, *row.cells) for row in table.rows]
            lines += _markdown_table((table.title, *table.columns), rows)
            if table.note:
                lines += [table.note, ""]
    return "\n".join(lines)


def as_json(parts: Iterable[Part], machine: list[str]) -> str:
    """The same for a program."""
    content: dict[str, Any] = {
        "machine": machine,
        "parts": [dataclasses.asdict(part) for part in parts],
    }
    return json.dumps(content, indent=1, ensure_ascii=False)


def _markdown_table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    heading = list(heading)
    lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *rows]
    return [f"| {' | '.join(_escaped(cell) for cell in line)} |" for line in lines] + [""]


def _escaped(cell: str) -> str:
    for mark in "\\|*_<[":
        cell = cell.replace(mark, "\\" + mark)
    return cell
