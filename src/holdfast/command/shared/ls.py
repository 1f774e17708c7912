"""List what there is: all dicts and counters, or the keys of one dict.

Listing goes through all keys, in pages, without blocking others. Memcached can't list what it has.
"""

from __future__ import annotations

import argparse
from collections import Counter
from itertools import islice
from typing import Any

from ... import named_stores
from ...shared.keys import name_of
from ...stores.protocol import Store
from .._output import Output
from .._places import is_made, whereabouts
from .._status import DONE, NOT_THERE, CommandFailed
from ._named import counter_value, places, shared_dict


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `ls` takes."""
    parser.add_argument("name", nargs="?", help="of a dict, whose keys are to be listed")
    parser.add_argument(
        "--limit",
        type=int,
        default=1000,
        metavar="N",
        help="list so many keys; 0: all of them; default: 1000",
    )


def run(options: argparse.Namespace, output: Output) -> int:
    """List."""
    if options.name is None:
        everything = []
        if is_made(options.store):
            everything = _everything(named_stores.store(options.store))
        output.rows(everything, f"There is nothing yet in {whereabouts(options.store)}.")
        return DONE
    return _list_keys(options, output)


def _everything(store: Store) -> list[dict[str, Any]]:
    keys: Counter[str] = Counter()
    for page in places(store, b"d:{"):
        keys.update(name_of(place)[1] for place in page)
    rows: list[dict[str, Any]] = [
        {"kind": "dict", "name": name, "keys": keys[name], "value": None} for name in sorted(keys)
    ]
    for page in places(store, b"c:{"):
        found = store.get_many(page)
        for place in sorted(found):
            name = name_of(place)[1]
            rows.append({"kind": "counter", "name": name, "keys": None, "value": int(found[place])})
    return rows


def _list_keys(options: argparse.Namespace, output: Output) -> int:
    keys = iter(shared_dict(options))
    listed = list(islice(keys, options.limit or None))
    if not listed:
        if counter_value(options) is not None:
            raise CommandFailed(
                f"{options.name!r} is a counter, which has no keys:"
                f" holdfast shared get {options.name}",
                NOT_THERE,
            )
        raise CommandFailed(
            f"No dict {options.name!r} has any keys in the store {options.store!r}.", NOT_THERE
        )
    more = next(keys, None) is not None
    lines = [repr(key) for key in listed]
    if more:
        lines.append(
            f"… and more: --limit 0 lists all, --limit N so many as you say ({len(listed)})."
        )
    output.record({"name": options.name, "keys": listed, "more": more}, "\n".join(lines))
    return DONE
