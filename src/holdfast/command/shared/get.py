"""Show one value: of a dict's key, or of a counter.

Reading executes nothing that is in the store. A pickled value is shown only if it was signed by a
key of this project's, and refused otherwise, with exit status 1.
"""

from __future__ import annotations

import argparse
import logging
from typing import Any

from ... import named_stores
from ...shared.records import Records
from ...values import MISSING
from .._output import Output
from .._status import DONE, NOT_THERE, WRONG_USE, CommandFailed
from . import _keys
from ._named import counter_value, has_keys, shared_dict


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `get` takes."""
    parser.add_argument("name", help="of a dict or a counter")
    parser.add_argument("key", nargs="?", help="of the dict")
    _keys.arguments(parser)


def run(options: argparse.Namespace, output: Output) -> int:
    """Show."""
    if options.key is None:
        return _show_counter(options, output)
    key = _keys.typed_key(options.key, options)
    records = Records(options.name, None, logged=False)
    place = records.place(key)
    data = named_stores.store(options.store).get(place)
    if data is None:
        raise CommandFailed(f"There is no {records.describe(place)}.", NOT_THERE)
    value = _safely_loaded(records, data, place)
    try:
        expires_in = shared_dict(options).expires_in(key)
    except KeyError:
        expires_in = 0.0  # just now
    facts = {
        "name": options.name,
        "key": key,
        "type": f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins."),
        "bytes": len(data),
        "expires_in": expires_in,
    }
    output.value(value, facts)
    return DONE


def _show_counter(options: argparse.Namespace, output: Output) -> int:
    value = counter_value(options)
    if value is not None:
        output.record({"name": options.name, "value": value}, str(value))
        return DONE
    if has_keys(options):
        raise CommandFailed(
            f"{options.name!r} is a dict: say which key. `holdfast shared ls {options.name}` lists"
            " them.",
            WRONG_USE,
        )
    raise CommandFailed(
        f"There is no counter {options.name!r}. Of a dict, say the key, too.", NOT_THERE
    )


def _safely_loaded(records: Records, data: bytes, place: bytes) -> Any:
    refusals = _Refusals()
    logger = logging.getLogger("holdfast.security")
    logger.addHandler(refusals)
    try:
        value = records.load(data, place)
    finally:
        logger.removeHandler(refusals)
    if value is MISSING:
        raise CommandFailed(
            f"{records.describe(place)} was refused, and is missing to your program:"
            f" {refusals.reason}. It has {len(data):,} bytes.",
            NOT_THERE,
        )
    return value


class _Refusals(logging.Handler):
    """Learns why a value is refused."""

    reason = "unreadable"

    def emit(self, record: logging.LogRecord) -> None:
        self.reason = getattr(record, "reason", self.reason)
