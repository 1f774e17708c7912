"""Prints the counts of both variants side by side."""

from types import ModuleType

from rich.console import Console
from rich.table import Table

from demonstration.tally import Count, Tally

#: For each case, in order, the tally of each variant.
Result = dict[ModuleType, dict[str, Tally]]


def print_table(console: Console, result: Result, server: str) -> None:
    """A line for each kind of failure, with what was counted before and after."""
    table = Table(title=f"Counted in this run, under {server}", title_justify="left")
    table.add_column("case")
    table.add_column("what went wrong")
    table.add_column("usual", justify="right")
    table.add_column("holdfast", justify="right")
    for case, tallies in result.items():
        title = case.TITLE
        for kind in case.KINDS:
            before, after = (tallies[variant].counts[kind] for variant in ("before", "after"))
            if kind in case.UNEXPECTED and not before.wrong and not after.wrong:
                continue
            table.add_row(title, kind, shown(before), shown(after))
            title = ""
        table.add_section()
    console.print(table)


def shown(count: Count) -> str:
    text = f"{count.wrong} of {count.tried}"
    if count.wrong:
        return f"[bold red]{text}[/]"
    return text if count.tried else f"[yellow]{text}[/]"
