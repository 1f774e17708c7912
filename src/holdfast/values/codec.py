"""From a value to the bytes that are stored, and back.

The first byte says what they are:

    a digit or "-"     a whole number of 64 bits, in decimal digits, which stores can count with
    0xC1 "z"           plain data, compressed
    0xC1 "p"           a signature and a pickle
    0xC1 "P"           a signature and a pickle, compressed
    0xC1 "l"           no value, but the mark of one who is loading it: see `holdfast.django.cache`
    any other          plain data, in MessagePack (which never begins with 0xC1)
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Literal

from . import compression, plain
from .errors import NotStorable, UnreadableValue
from .signature import SIZE, Keyring, Secret
from .storable import culprit

logger = logging.getLogger("holdfast.security")

_MARK = 0xC1
#: Begins a mark in a value's place. Read as a value, it is none.
MARK = b"\xc1l"
_DIGITS = frozenset(b"-0123456789")
_LONGEST_NUMBER = len(str(-(2**63)))
_PICKLE_PROTOCOL = 5


class Missing(Enum):
    """The type of `MISSING`."""

    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


#: Stands for: there is no value.
MISSING: Literal[Missing.MISSING] = Missing.MISSING


class Codec:
    """Turns values into bytes and back.

    Args:
        secrets: returns the keys that pickles are signed with; see `Keyring`.
        pickled: whether anything may be pickled at all.
        compress_above: bytes from which on it is tried to make them fewer; None: never.

    A value that is plain data costs microseconds per kilobyte, and never more than its size.
    """

    def __init__(
        self,
        secrets: Callable[[], Sequence[Secret]] = tuple,
        *,
        pickled: bool = True,
        compress_above: int | None = compression.WORTH_TRYING,
    ) -> None:
        self._keyring = Keyring(secrets)
        self._pickled = pickled
        # Compared with a size on each call.
        self._compress_above = float("inf") if compress_above is None else compress_above

    def dump(self, value: Any, place: bytes) -> bytes:
        """The bytes for *value*, to be stored at *place*: they are read nowhere else.

        Raises:
            NotStorable: it can't be stored. The message says why, and what to do.
        """
        if type(value) is int and -(2**63) <= value < 2**63:
            return b"%d" % value
        try:
            data = plain.dump(value)
        except plain.NotPlain:
            return self._dump_pickle(value, place)
        if len(data) > self._compress_above:
            smaller = compression.compress(data)
            if smaller is not None:
                return b"\xc1z" + smaller
        return data

    def load(self, data: bytes, place: bytes) -> Any:
        """The value that `dump` made *data* from, at this *place*.

        MISSING, where the bytes are no value: torn, tampered with, or signed by a key that is
        unknown. That is logged as a security event to the logger `holdfast.security`.

        Raises:
            UnreadableValue: they are genuine, and the value's class can't be found here.
        """
        try:
            first = data[0]
            if first in _DIGITS and len(data) <= _LONGEST_NUMBER:
                return int(data)
            if first != _MARK:
                return plain.load(data)
            return self._load_marked(data, place)
        except UnreadableValue:
            raise
        except Exception as error:  # noqa: BLE001 - whatever hostile bytes may provoke
            reason = str(error) or type(error).__name__
            logger.warning(
                "Refused what is stored at %r, and took it as missing: %s",
                place,
                reason,
                extra={"place": place, "reason": reason},
            )
            return MISSING

    def _load_marked(self, data: bytes, place: bytes) -> Any:
        kind = data[1:2]
        if kind == b"z":
            return plain.load(compression.decompress(memoryview(data)[2:]))
        if kind in {b"p", b"P"}:
            return self._load_pickle(data, place)
        if kind == b"l":
            return MISSING
        raise ValueError("a kind of value that this version of Holdfast doesn't know")

    def _dump_pickle(self, value: Any, place: bytes) -> bytes:
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        if not self._pickled:
            raise NotStorable(
                f"{culprit(value)} is not plain data, and pickle is forbidden by"
                " HOLDFAST['PICKLE']. Store plain data, dataclasses or enums."
            )
        try:
            body = pickle.dumps(value, _PICKLE_PROTOCOL)
        except Exception as error:
            reason = f"pickle says: {error}" if str(error) else f"pickle raised {error!r}"
            raise NotStorable(f"it is or holds {culprit(value)}; {reason}") from error
        mark = b"\xc1p"
        if len(body) > self._compress_above:
            smaller = compression.compress(body)
            if smaller is not None:
                mark, body = b"\xc1P", smaller
        signature = self._keyring.sign(mark + body, place)
        if signature is None:
            raise NotStorable(
                f"a {kind} has to be pickled, and pickles are signed, but there is no key. Set"
                " HOLDFAST['KEY'], or have Django's SECRET_KEY used by adding 'holdfast.django' to"
                " INSTALLED_APPS, or store plain data, dataclasses or enums."
            )
        return mark + signature + body

    def _load_pickle(self, data: bytes, place: bytes) -> Any:
        if not self._pickled:
            raise ValueError("it is a pickle, and HOLDFAST['PICKLE'] forbids them")
        mark, signature, body = data[:2], data[2 : 2 + SIZE], data[2 + SIZE :]
        if not self._keyring.verify(signature, mark + body, place):
            raise ValueError(
                "its signature is not of a key that is known here, for this place: it was"
                " tampered with, or written with another SECRET_KEY"
            )
        try:
            if mark == b"\xc1P":
                body = compression.decompress(body, limit=None)
            return pickle.loads(body)  # noqa: S301 - signed by us
        except Exception as error:
            raise UnreadableValue(
                f"What is stored at {place!r} was pickled by us, but can't be unpickled here:"
                f" {error!r}"
            ) from error
