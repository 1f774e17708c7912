"""Show what the cache holds, and what all processes that use it have counted.

Each process writes its figures down once a second; those of processes that are gone are kept. What
is counted by name: hits (in the process's own memory, or in the store), misses, stale results that
were served, calls that waited, loads and how long they took, results that were refused, queries
that were too broad. --json has all there is.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from ... import named_stores
from .._output import Output, shown
from .._places import is_made, whereabouts
from .._status import DONE


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `stats` takes."""
    parser.add_argument(
        "--count",
        action="store_true",
        help="count the results, too, which goes through all keys of the store",
    )
    parser.add_argument("--name", metavar="PATTERN", default="*", help='only these: "shop.*"')
    show = parser.add_mutually_exclusive_group()
    show.add_argument("--workers", action="store_true", help="show the processes instead")
    show.add_argument("--queries", action="store_true", help="show queries that were too broad")
    show.add_argument("--reset", action="store_true", help="have all figures begin from 0")


def run(options: argparse.Namespace, output: Output) -> int:
    """Show."""
    from ...cache import figures

    if not is_made(options.store):
        url = named_stores.store(options.store).url
        data = {"store": options.store, "url": url, "processes": 0, "names": {}}
        output.record(
            data, f"Nothing was counted yet. There is no store {whereabouts(options.store)}."
        )
        return DONE
    found = figures.place_of(options.store)
    if options.reset:
        figures.forget(found)
        output.record({"reset": True}, "All figures begin from 0.")
        return DONE
    everybody = figures.read(found)
    total = everybody.total()
    wanted = figures.names_like(total.names, options.name)
    names = {name: total.names[name] for name in wanted}
    if options.workers:
        rows = [_worker(member) for member in everybody.members]
        if not output.as_json:  # the number of a process is a name: no thousands
            rows = [{**row, "process": str(row["process"])} for row in rows]
        output.rows(rows, "No process is known.")
    elif options.queries:
        output.rows(_queries(names), "No query was too broad.")
    else:
        about = _about(options, everybody)
        data = {**about, "store_figures": total.store, "tracking": total.framework, "names": names}
        text = _text(about) if output.as_json else _both(about, names, output)
        output.record(data, text)
    return DONE


def _about(options: argparse.Namespace, everybody: Any) -> dict[str, Any]:
    """The store, and who uses it."""
    from ...stores.tags import number_of

    store = named_stores.store(options.store)
    look = store.tags.look((), count=options.count)
    alive = [member for member in everybody.members if not member.is_gone]
    total = everybody.total()
    return {
        "store": options.store,
        "url": store.url,
        "results": look.results,
        "tags": look.remembered,
        "marked": look.marked,
        "sequence": number_of(look.stamp),
        "epoch": look.stamp[:8].hex(),
        "nothing_stored_now": look.quiet,
        **{name: figure for name, figure in store.stats().items() if figure is not None},
        "processes": len(alive),
        "processes_gone": everybody.ended + len(everybody.members) - len(alive),
        "bytes_in_processes": total.store.get("tier_bytes", 0),
    }


def _text(about: Mapping[str, Any]) -> str:
    width = max(map(len, about))
    return "\n".join(f"{name.ljust(width)}  {shown(figure)}" for name, figure in about.items())


def _both(about: Mapping[str, Any], names: Mapping[str, Any], output: Output) -> str:
    output.rows(
        [_row(name, figures) for name, figures in names.items()], "Nothing was counted yet."
    )
    return "\n" + _text(about)


def _row(name: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    def of(figure: str) -> Any:
        return figures.get(figure, 0)

    calls = of("hits") + of("misses") + of("stale")
    loads = of("loads")
    return {
        "name": name,
        "hits": of("hits"),
        "rate": f"{of('hits') / calls:.1%}" if calls else None,
        "own": of("tier_hits"),
        "misses": of("misses"),
        "stale": of("stale") + of("fail_safe"),
        "waits": of("waits"),
        "loads": loads,
        "ms": f"{of('load_seconds') / loads * 1000:.1f}" if loads else None,
        "bytes": of("stored_bytes"),
        "refused": of("refused"),
        "errors": of("load_errors") + of("outages"),
        "broad": of("broad"),
    }


def _worker(member: Any) -> dict[str, Any]:
    names = member.figures.names.values()
    return {
        "process": member.pid,
        "host": member.host,
        "command": member.command,
        "state": "gone" if member.is_gone else "alive",
        "hits": sum(figures.get("hits", 0) for figures in names),
        "misses": sum(figures.get("misses", 0) for figures in names),
        "bytes": int(member.figures.store.get("tier_bytes", 0)),
    }


def _queries(names: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = [
        {"name": name, "loads": times, "query": sql}
        for name, figures in names.items()
        for sql, times in figures.get("queries", {}).items()
    ]
    return sorted(found, key=lambda row: (-row["loads"], row["name"]))
