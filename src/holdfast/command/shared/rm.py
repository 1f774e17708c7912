"""Delete keys of a dict, a whole dict, or a counter."""

from __future__ import annotations

import argparse

from ... import named_stores
from ...shared.keys import place_of
from .._output import Output
from .._status import DONE, NOT_THERE, WRONG_USE, CommandFailed
from . import _keys
from ._named import counter, counter_value, has_keys, shared_dict


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `rm` takes."""
    parser.add_argument("name", help="of a dict or a counter")
    parser.add_argument("key", nargs="*", help="of the dict")
    parser.add_argument("--all", action="store_true", help="all keys of the dict")
    _keys.arguments(parser)


def run(options: argparse.Namespace, output: Output) -> int:
    """Delete."""
    if options.all and options.key:
        raise CommandFailed("Give keys or --all, not both.", WRONG_USE)
    nothing = f"there are no such keys in {options.name!r}"
    if options.all:
        deleted = _clear(options)
        nothing = f"there is no dict {options.name!r}"
    elif options.key:
        keys = [_keys.typed_key(text, options) for text in options.key]
        deleted = shared_dict(options).delete_many(keys)
    else:
        deleted = _reset_counter(options)
        nothing = f"there is no counter {options.name!r}. Of a dict, say the keys, too, or --all"
    text = f"{deleted} deleted" if deleted else f"0 deleted: {nothing}."
    output.record({"name": options.name, "deleted": deleted}, text)
    return DONE if deleted else NOT_THERE


def _clear(options: argparse.Namespace) -> int:
    topic = place_of(b"d", options.name)
    return named_stores.store(options.store).clear(topic + b":", topic=topic)


def _reset_counter(options: argparse.Namespace) -> int:
    if counter_value(options) is None:
        if has_keys(options):
            raise CommandFailed(
                f"{options.name!r} is a dict: say which keys, or --all to delete all of them.",
                WRONG_USE,
            )
        return 0
    counter(options).reset()
    return 1
