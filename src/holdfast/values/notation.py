"""How plain data is written: MessagePack, with extension types for what it has no type for.

Each type that msgspec would not give back as it was is *lowered*: replaced by an extension value,
which holds MessagePack again. `extensions` and `classes` register how.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    import msgspec
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "Shared state needs msgspec. Install what the store needs and it comes along: pip install"
        " 'holdfast[lmdb]', or [redis], or [memcached].",
        name=error.name,
    ) from None

Ext = msgspec.msgpack.Ext


class NotPlain(Exception):  # noqa: N818 - a state, not a mistake
    """The value, or something in it, is not plain data."""


#: By type: how to lower a value of just this type; under `object`: how to lower all others.
lowering: dict[type, Callable[[Any], Any]] = {}
#: By the extension's code: how to make the value again.
raising: dict[int, Callable[[memoryview], Any]] = {}


def lower(value: Any) -> Any:
    """*value*, made of nothing but what msgspec gives back as it was given.

    Raises:
        NotPlain: it can't be.
        RecursionError: it contains itself, or is nested too deep.
    """
    return (lowering.get(type(value)) or lowering[object])(value)


def _extension(code: int, data: memoryview) -> Any:
    try:
        how = raising[code]
    except KeyError:
        raise ValueError(f"unknown extension type {code}") from None
    return how(data)


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(ext_hook=_extension).decode
