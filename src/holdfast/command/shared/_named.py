"""What of shared state bears a name."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from ... import named_stores, shared
from ...shared.keys import place_of
from ...stores.errors import UnsupportedByStoreError
from ...stores.protocol import Store


def shared_dict(options: argparse.Namespace, ttl: float | None = None) -> shared.Dict[Any, Any]:
    """The dict of the name that was typed."""
    return shared.Dict(options.name, store=options.store, ttl=ttl)


def counter(options: argparse.Namespace, ttl: float | None = None) -> shared.Counter:
    """The counter of that name."""
    return shared.Counter(options.name, store=options.store, ttl=ttl)


def counter_value(options: argparse.Namespace) -> int | None:
    """What the counter has; None, if there is none."""
    found = named_stores.store(options.store).get(place_of(b"c", options.name))
    return None if found is None else int(found)


def has_keys(options: argparse.Namespace) -> bool:
    """Whether there is a dict of that name with anything in it. False, where it can't be known."""
    try:
        return bool(shared_dict(options))
    except UnsupportedByStoreError:
        return False


def places(store: Store, prefix: bytes) -> Iterator[list[bytes]]:
    """All keys of the store that begin with *prefix*, in pages."""
    after: bytes | None = None
    while True:
        page = store.scan(prefix, after=after)
        yield page.keys
        after = page.after
        if after is None:
            return
