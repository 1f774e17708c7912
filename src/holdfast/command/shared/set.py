"""Write one value: of a dict's key, or of a counter.

    holdfast shared set flags colour '"red"'
    holdfast shared set flags colour --text red
    holdfast shared set hits 0

The value is JSON, or a text as it stands with --text.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from .._output import Output
from .._status import DONE, WRONG_USE, CommandFailed
from . import _keys
from ._named import counter, has_keys, shared_dict


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `set` takes."""
    parser.add_argument("name", help="of a dict or a counter")
    parser.add_argument("key", nargs="?", help="of the dict")
    parser.add_argument("value", help="JSON; of a counter, a whole number")
    parser.add_argument("--text", action="store_true", help="the value is a text as it stands")
    parser.add_argument(
        "--ttl",
        type=float,
        metavar="SECONDS",
        help="how long it lives; default: until it is deleted, whatever your program's dict says",
    )
    _keys.arguments(parser)


def run(options: argparse.Namespace, output: Output) -> int:
    """Write."""
    if options.ttl is not None and not options.ttl > 0:
        raise CommandFailed("--ttl must be more than 0 seconds.", WRONG_USE)
    if options.key is None:
        return _set_counter(options, output)
    key = _keys.typed_key(options.key, options)
    value = _typed_value(options)
    shared_dict(options).set(key, value, ttl=options.ttl)
    facts = {"name": options.name, "key": key, "value": value, "ttl": options.ttl}
    output.record(facts, f"{options.name}[{key!r}] = {value!r}")
    return DONE


def _typed_value(options: argparse.Namespace) -> Any:
    if options.text:
        return options.value
    try:
        return json.loads(options.value)
    except ValueError as error:
        raise CommandFailed(
            f"{options.value!r} is no JSON. For a text, add --text, or write"
            f" '{json.dumps(options.value)}'.",
            WRONG_USE,
        ) from error


def _set_counter(options: argparse.Namespace, output: Output) -> int:
    try:
        value = int(options.value)
    except ValueError as error:
        raise CommandFailed(
            f"A counter is set to a whole number, not {options.value!r}; of a dict, say key and"
            " value.",
            WRONG_USE,
        ) from error
    if has_keys(options):
        raise CommandFailed(
            f"{options.name!r} is a dict: say key and value, as in `holdfast shared set"
            f" {options.name} KEY {options.value}`.",
            WRONG_USE,
        )
    counter(options, options.ttl).set(value)
    output.record({"name": options.name, "value": value}, f"{options.name} = {value}")
    return DONE
