"""The sum of several runs."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.consistency.ledger import WRONG


def totals(runs: list[dict[str, Any]]) -> Iterator[str]:
    """By what was run on what, and of all: as the rows of a table."""
    broken = [run for run in runs if "broke" in run]
    runs = [run for run in runs if "broke" not in run]
    yield (
        "| what | store | isolation | runs | reads | hit rate | commits | faults | stale"
        " | went back | rolled back | own unseen | wrong at the end | failed reads |"
    )
    yield "| --- | --- | --- |" + " ---: |" * 11
    for title in sorted({_title(run) for run in runs}):
        yield _row(title, [run for run in runs if _title(run) == title])
    yield _row(("all", "", ""), runs)
    made = Counter[str]()
    for run in runs:
        made.update(run["made"])
    yield ""
    yield ", ".join(f"{name}: {count:,}" for name, count in sorted(made.items()))
    yield "seeds " + " ".join(sorted(str(run["order"]["seed"]) for run in runs))
    for run in broken:
        yield f"broke: {run['broke']}"


def _title(run: dict[str, Any]) -> tuple[str, str, str]:
    order = run["order"]
    without = f" without {order['without']}" if order["without"] else ""
    # Runs of before there was another database don't name one.
    database = order.get("database", "postgresql")
    isolation = order["isolation"] if database == "postgresql" else database
    return order["subject"] + without, order["store"], isolation


def _row(title: tuple[str, str, str], runs: list[dict[str, Any]]) -> str:
    sums = Counter[str]()
    for run in runs:
        sums.update(run["counts"])
    faults = sum(sum(run["made"].values()) for run in runs)
    ends = sum(len(run["still_wrong"]) for run in runs)
    rate = 100 * sums["hits"] / max(1, sums["reads"])
    figures = [f"{len(runs)}", f"{sums['reads']:,}", f"{rate:.0f} %", f"{sums['commits']:,}"]
    figures += [f"{faults:,}", *(f"{sums[kind]:,}" for kind in WRONG)]
    figures += [f"{ends:,}", f"{sums['read_errors']:,}"]
    return f"| {' | '.join([*title, *figures])} |"
