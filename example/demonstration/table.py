"""Prints the counts of all variants side by side."""

from collections.abc import Mapping
from types import ModuleType

from rich.console import Console
from rich.table import Table

from demonstration.tally import Count, Tally

#: For each case, in order, the tally of each variant.
Result = dict[ModuleType, dict[str, Tally]]


def print_table(console: Console, result: Result, server: str, variants: Mapping[str, str]) -> None:
    """A line for each kind of failure, with what was counted in each of the *variants*."""
    table = Table(title=f"Counted in this run, under {server}", title_justify="left")
    table.add_column("case")
    table.add_column("what went wrong")
    for heading in variants.values():
        table.add_column(heading, justify="right")
    for case, tallies in result.items():
        title = case.TITLE
        for kind in case.KINDS:
            counts = [tallies[variant].counts[kind] for variant in variants]
            if kind in case.UNEXPECTED and not any(count.wrong for count in counts):
                continue
            table.add_row(title, kind, *map(shown, counts))
            title = ""
        table.add_section()
    console.print(table)


def shown(count: Count) -> str:
    text = f"{count.wrong} of {count.tried}"
    if count.wrong:
        return f"[bold red]{text}[/]"
    return text if count.tried else f"[yellow]{text}[/]"
