"""The records of one shared dict: its keys and values as a store holds them."""

from __future__ import annotations

from typing import Any

from .. import named_stores
from ..values import MISSING
from ..values.errors import NotStorable, UnreadableValue
from .keys import decode_key, encode_key, place_of


class Records:
    """Names, keys and values of one dict, to bytes and back.

    Attributes:
        name: what the dict is called.
        ttl: seconds that a value lives, unless it is said; None: until it is deleted.
        prefix: what all its keys in the store begin with.
        topic: where its changes are noted; None: nowhere.
    """

    __slots__ = ("_text_prefix", "name", "prefix", "topic", "ttl")

    def __init__(self, name: str, ttl: float | None, *, logged: bool) -> None:
        self.name = name
        self.ttl = checked_ttl(ttl)
        topic = place_of(b"d", name)
        self.prefix = topic + b":"
        self.topic = topic if logged else None
        self._text_prefix = self.prefix + b"s"

    def place(self, key: Any) -> bytes:
        """Where the value for *key* is in the store."""
        if type(key) is str and key.isascii():
            return self._text_prefix + key.encode()
        return self.prefix + encode_key(key)

    def key(self, place: bytes) -> Any:
        """The key whose value is there."""
        return decode_key(place[len(self.prefix) :])

    def dump(self, value: Any, place: bytes) -> bytes:
        """The bytes for *value*, to be stored there."""
        try:
            return named_stores.codec().dump(value, place)
        except NotStorable as error:
            raise error.at(self.describe(place)) from error.__cause__

    def load(self, data: bytes | None, place: bytes) -> Any:
        """The value that is there; MISSING, where there is none or it was refused."""
        if data is None:
            return MISSING
        try:
            return named_stores.codec().load(data, place)
        except UnreadableValue as error:
            raise UnreadableValue(f"{self.describe(place)}: {error}") from error.__cause__

    def describe(self, place: bytes) -> str:
        """What is there, as its users write it: `flags['key0']`."""
        return f"{self.name}[{self.key(place)!r}]"


def checked_ttl(ttl: float | None) -> float | None:
    """*ttl*, if it is one."""
    if ttl is None:
        return None
    if isinstance(ttl, bool) or not isinstance(ttl, int | float):
        raise TypeError(f"A TTL is a number of seconds, or None for ever, not {ttl!r}.")
    if not ttl > 0:
        raise ValueError(f"A TTL must be more than 0 seconds, not {ttl!r}; None is for ever.")
    return ttl
