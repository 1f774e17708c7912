"""Tags by name, and what makes them untrue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..named_stores import CACHE
from . import consistency as consistencies


def tag_of(name: str | bytes) -> bytes:
    """The store's tag for one that users name: apart from those that are recorded.

    Raises:
        TypeError: it is neither text nor bytes.
    """
    if isinstance(name, str):
        return b"u:" + name.encode("utf-8", "surrogatepass")
    if isinstance(name, bytes):
        return b"u:" + name
    raise TypeError(f"A tag is a text such as 'user:7', not {name!r}.")


def tags_of(names: Iterable[str | bytes]) -> list[bytes]:
    """The same for many."""
    if isinstance(names, str | bytes):
        raise TypeError(f"tags must be a list of texts, not one text: [{names!r}].")
    return [tag_of(name) for name in names]


def function_tag(name: str) -> bytes:
    """The tag that all results of one function have."""
    return b"f:" + name.encode()


def key_tag(key: bytes) -> bytes:
    """The tag that the result of one key has, and no other."""
    return b"k:" + key


def invalidate(*what: Any, store: str = CACHE) -> None:
    """Make untrue what depends on a tag: no worker serves it from now on.

        holdfast.invalidate("user:7", "users")

    A result that is being loaded just now is not stored, if it began before this. One write to the
    store, whatever depends on the tags.

    Args:
        what: tags, as in `cached(tags=...)`; functions that `cached` has decorated, of which all
            results are made untrue.
        store: which of the stores in HOLDFAST["STORES"] the results are in.

    Raises:
        StoreUnavailable: the store can't be reached. Results that it holds may then be served
            again when it is back: call again.
    """
    tags = _tags(what)
    if tags:
        consistencies.consistency.invalidate(store, tags)


async def ainvalidate(*what: Any, store: str = CACHE) -> None:
    """As `invalidate`, for async code."""
    tags = _tags(what)
    if tags:
        await consistencies.consistency.ainvalidate(store, tags)


def _tags(what: tuple[Any, ...]) -> list[bytes]:
    return [
        getattr(one, "__holdfast_tag__", None) or tag_of(one) if callable(one) else tag_of(one)
        for one in what
    ]
