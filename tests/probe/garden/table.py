"""The garden's page in the documentation."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version

from tests.probe.garden.judging import Verdict

HEAD = """# The garden: what the probe was tried on

<!-- Written by `python -m tests.probe.garden --write`. -->

Faults planted on purpose, each in a small shop as people write them, under servers as people start
them: `tests/probe/garden/` has them all. The probe is run as its users run it, knows nothing of
them, and has to name the culprit first, and to prove it by a second run without it. *Users* is how
long all of them took: as it is, and without the culprit. What can't be taken away (rows that a
database locks, requests that a server refuses) has to be seen again, or outright.
"""


def page(verdicts: Sequence[Verdict], load: float) -> str:
    """The page, from what came of each plot. *load*: how many processes wanted to run meanwhile."""
    faults = [each for each in verdicts if each.plot.blame is not None]
    healthy = [each for each in verdicts if each.plot.blame is None]
    right = sum(each.right for each in faults)
    silent = sum(each.right for each in healthy)
    total = (
        f"Named rightly: {right} of {len(faults)}, under"
        f" {len({each.plot.server for each in faults})} servers."
        f" Silent on healthy set-ups: {silent} of {len(healthy)}."
        f" The slowest took {max((each.seconds for each in verdicts), default=0):.0f} s."
        f" Measured with Python {platform.python_version()} and Django {version('django')}, on"
        f" {os.cpu_count()} cores that {load:.0f} processes wanted at a time."
    )
    lines = [
        HEAD,
        total,
        "",
        "## Planted faults",
        "",
        "| server | fault | named | users | took |",
        "| --- | --- | --- | --- | --- |",
        *(_fault(each) for each in faults),
        "",
        "## Healthy set-ups",
        "",
        "| server | set-up | named | took |",
        "| --- | --- | --- | --- |",
        *(
            f"| {each.plot.server} | {each.plot.title} | {_named(each)} | {each.seconds:.0f} s |"
            for each in healthy
        ),
        "",
    ]
    return "\n".join(lines)


def _fault(verdict: Verdict) -> str:
    users = (
        f"{verdict.before:.2f} s → {verdict.after:.2f} s"
        if verdict.before is not None and verdict.after is not None
        else "seen"
        if verdict.right
        else ""
    )
    plot = verdict.plot
    return (
        f"| {plot.server} | {plot.title} | {_named(verdict)} | {users} | {verdict.seconds:.0f} s |"
    )


def _named(verdict: Verdict) -> str:
    words = verdict.found.replace("|", "\\|").replace("*", "\\*").replace("`", "")
    return f"`{words}`" if verdict.right else f"**wrong**: {words}"
