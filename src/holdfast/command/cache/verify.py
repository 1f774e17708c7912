"""Compare results that are served with the database, and say how consistent they are, in nines.

    holdfast cache verify --share 0.1 --seconds 30

For so long, all processes compare that share of their hits: each result is loaded once more, in the
background, from a snapshot of the database, and is wrong if it differs and is held for true still
after that. Without --share, they compare what HOLDFAST["CACHE"]["VERIFY"] says. With --seconds 0,
what was compared until now is shown.

The exit status is 0 where nothing was wrong, 4 where something was, and 1 where nothing was
compared.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from os import urandom
from typing import TYPE_CHECKING, Any

from .._output import Output
from .._status import DONE, NOT_THERE, WRONG_RESULTS, WRONG_USE, CommandFailed

if TYPE_CHECKING:
    from ...cache.figures import Everybody
    from ...stores.protocol import Store

#: Seconds after which what was compared last was told, too.
_SETTLES = 1.5


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `verify` takes."""
    parser.add_argument(
        "--share", type=float, metavar="SHARE", help="of the hits, from 0 to 1: 0.1 is every tenth"
    )
    parser.add_argument(
        "--seconds", type=float, default=30.0, metavar="N", help="for how long; default: 30"
    )
    parser.add_argument("--name", metavar="PATTERN", default="*", help='only these: "shop.*"')


def run(options: argparse.Namespace, output: Output) -> int:
    """Do it."""
    from ...cache import figures

    if options.share is not None and not 0 < options.share <= 1:
        raise CommandFailed("--share must be more than 0, and 1 at most.", WRONG_USE)
    if not 0 <= options.seconds < float("inf"):
        raise CommandFailed("--seconds must be 0 or more.", WRONG_USE)
    if options.share is not None and not options.seconds:
        raise CommandFailed("--share needs --seconds: for how long to compare.", WRONG_USE)
    place = figures.place_of(options.store)
    if options.seconds:
        before = figures.read(place)
        _wait(place, options)
        found = figures.read(place)
    else:
        before, found = figures.Everybody([], figures.Figures(), [], 0), figures.read(place)
    report = _report(before, found, options.name)
    output.record(report, _text(report))
    if report["differed"]:
        return WRONG_RESULTS
    return DONE if report["agreed"] else NOT_THERE


def _wait(place: Store, options: argparse.Namespace) -> None:
    """Have the processes compare."""
    from ...cache import figures

    if options.share is None:
        time.sleep(options.seconds)
        return
    order = figures.Order(urandom(8).hex(), options.share, options.seconds, options.name)
    figures.give_order(place, order)
    try:
        time.sleep(options.seconds)
    finally:
        figures.withdraw_order(place)
    time.sleep(_SETTLES)


def _report(before: Everybody, after: Everybody, pattern: str) -> dict[str, Any]:
    from ...cache.figures import names_like
    from ...cache.nines import CONFIDENCE, nines, worst_share

    total = after.total()
    earlier = {_identity(difference) for difference in before.total().differences}
    total.add(before.total(), -1)
    names = {}
    for name in names_like(total.names, pattern):
        figures = total.names[name]
        counted = {kind: figures.get(kind, 0) for kind in ("agreed", "differed", "incomparable")}
        if any(counted.values()):
            reasons = {why: times for why, times in figures.get("reasons", {}).items() if times > 0}
            names[name] = {**counted, "reasons": reasons}
    sums = {
        kind: sum(figures[kind] for figures in names.values())
        for kind in ("agreed", "differed", "incomparable")
    }
    compared = sums["agreed"] + sums["differed"]
    return {
        **sums,
        "consistency": sums["agreed"] / compared if compared else None,
        "nines": nines(sums["differed"] / compared) if sums["differed"] else None,
        "at_least_nines": nines(worst_share(sums["differed"], compared)) if compared else None,
        "confidence": CONFIDENCE,
        "names": names,
        "differences": [
            difference
            for difference in total.differences
            if difference["name"] in names and _identity(difference) not in earlier
        ],
    }


def _identity(difference: Mapping[str, Any]) -> tuple[Any, ...]:
    return difference["name"], difference["key"], difference["at"]


def _text(report: Mapping[str, Any]) -> str:
    compared = report["agreed"] + report["differed"]
    lines = [f"{compared:,} results compared: {report['agreed']:,} agreed,"]
    lines[0] += f" {report['differed']:,} were wrong; {report['incomparable']:,} not comparable."
    if compared:
        least = 1 - 10 ** -report["at_least_nines"]
        lines.append(
            f"At least {least:.4%} are right, {report['at_least_nines']:.1f} nines, with"
            f" {report['confidence']:.0%} confidence."
        )
        if report["differed"]:
            lines.append(f"Found: {report['consistency']:.4%}, {report['nines']:.1f} nines.")
    else:
        lines.append("Nothing can be said: are there hits, and processes that publish figures?")
    for name, figures in report["names"].items():
        lines.append(
            f"  {name}: {figures['agreed']:,} agreed, {figures['differed']:,} wrong,"
            f" {figures['incomparable']:,} not comparable"
        )
        lines += [f"    {times:,} times: {reason}" for reason, times in figures["reasons"].items()]
    for difference in report["differences"]:
        lines.append(f"wrong: {difference['name']}, {difference['where']}")
        lines.append(f"    key {difference['key']}; tags {', '.join(difference['tags'])}")
    return "\n".join(lines)
