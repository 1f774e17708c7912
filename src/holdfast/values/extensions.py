"""The types of plain data that MessagePack doesn't have, and how each is written.

The codes are part of the stored format: a code is never given another meaning.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from types import NoneType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from .notation import Ext, NotPlain, decode, encode, lower, lowering, raising

TUPLE, SET, FROZENSET, DICT = 1, 2, 3, 4
INTEGER, COMPLEX, DECIMAL = 5, 6, 7
TEXT, BYTEARRAY, IDENTIFIER = 8, 9, 10
DATETIME, DATE, TIME, TIMEDELTA = 11, 12, 13, 14
ENUM, DATACLASS = 15, 16

_TEXT = frozenset({str})


def as_array(items: Iterable[Any]) -> bytes:
    """MessagePack of *items*, each lowered."""
    return encode([lower(item) for item in items])


def array(data: memoryview) -> list[Any]:
    """The items that `as_array` wrote."""
    items = decode(data)
    if type(items) is not list:
        raise ValueError("an array was expected")
    return items


def _itself(value: Any) -> Any:
    return value


def _lower_integer(value: int) -> Any:
    if -(2**63) <= value < 2**64:
        return value
    return Ext(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def _lower_text(value: str) -> Any:
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        # Lone surrogates: half of a JavaScript string, a file name that is no text.
        return Ext(TEXT, value.encode("utf-8", "surrogatepass"))
    return value


def _lower_list(value: list[Any]) -> Any:
    return [lower(item) for item in value]


def _lower_dict(value: dict[Any, Any]) -> Any:
    if _TEXT.issuperset(map(type, value)) and all(map(str.isascii, value)):
        return {key: lower(item) for key, item in value.items()}
    return Ext(DICT, as_array(part for pair in value.items() for part in pair))


def _raise_dict(data: memoryview) -> dict[Any, Any]:
    parts = iter(array(data))
    return dict(zip(parts, parts, strict=True))


# Times. A time zone follows what it belongs to: nothing, where that is naive.

_DATE = struct.Struct(">HBB")
_TIME = struct.Struct(">BBBIB")
_OFFSET = struct.Struct(">q")
_TIMEDELTA = struct.Struct(">iii")
_MICROSECOND = timedelta(microseconds=1)


def _zone(zone: tzinfo | None) -> bytes:
    if zone is None:
        return b""
    if zone is UTC:
        return b"u"
    if type(zone) is ZoneInfo and zone.key:
        return b"z" + zone.key.encode()
    if type(zone) is timezone:
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]
        return b"o" + _OFFSET.pack(offset // _MICROSECOND) + "".join(name).encode()
    raise NotPlain


def _raise_zone(data: bytes) -> tzinfo | None:
    kind, rest = data[:1], data[1:]
    if not data:
        return None
    if kind == b"u":
        return UTC
    if kind == b"z":
        return ZoneInfo(rest.decode())
    if kind == b"o":
        offset = _MICROSECOND * _OFFSET.unpack(rest[:8])[0]
        return timezone(offset, rest[8:].decode()) if rest[8:] else timezone(offset)
    raise ValueError("unknown kind of time zone")


def _clock(value: time | datetime) -> bytes:
    clock = (value.hour, value.minute, value.second, value.microsecond, value.fold)
    return _TIME.pack(*clock) + _zone(value.tzinfo)


def _raise_time(data: bytes) -> time:
    hour, minute, second, microsecond, fold = _TIME.unpack(data[: _TIME.size])
    zone = _raise_zone(data[_TIME.size :])
    return time(hour, minute, second, microsecond, zone, fold=fold)


def _lower_date(value: date) -> Any:
    return Ext(DATE, _DATE.pack(value.year, value.month, value.day))


def _raise_date(data: bytes | memoryview) -> date:
    return date(*_DATE.unpack(data))


def _lower_datetime(value: datetime) -> Any:
    day = _DATE.pack(value.year, value.month, value.day)
    return Ext(DATETIME, day + _clock(value))


def _raise_datetime(data: memoryview) -> datetime:
    whole = bytes(data)
    return datetime.combine(_raise_date(whole[: _DATE.size]), _raise_time(whole[_DATE.size :]))


def _lower_timedelta(value: timedelta) -> Any:
    return Ext(TIMEDELTA, _TIMEDELTA.pack(value.days, value.seconds, value.microseconds))


_COMPLEX = struct.Struct(">dd")

_PLAIN: dict[type, Callable[[Any], Any]] = {
    **dict.fromkeys((NoneType, bool, float, bytes), _itself),
    int: _lower_integer,
    str: _lower_text,
    list: _lower_list,
    dict: _lower_dict,
    tuple: lambda value: Ext(TUPLE, as_array(value)),
    set: lambda value: Ext(SET, as_array(value)),
    frozenset: lambda value: Ext(FROZENSET, as_array(value)),
    complex: lambda value: Ext(COMPLEX, _COMPLEX.pack(value.real, value.imag)),
    Decimal: lambda value: Ext(DECIMAL, str(value).encode()),
    bytearray: lambda value: Ext(BYTEARRAY, bytes(value)),
    UUID: lambda value: Ext(IDENTIFIER, value.bytes),
    datetime: _lower_datetime,
    date: _lower_date,
    time: lambda value: Ext(TIME, _clock(value)),
    timedelta: _lower_timedelta,
}
lowering.update(_PLAIN)

raising.update(
    {
        TUPLE: lambda data: tuple(array(data)),
        SET: lambda data: set(array(data)),
        FROZENSET: lambda data: frozenset(array(data)),
        DICT: _raise_dict,
        INTEGER: lambda data: int.from_bytes(data, "big", signed=True),
        COMPLEX: lambda data: complex(*_COMPLEX.unpack(data)),
        DECIMAL: lambda data: Decimal(bytes(data).decode()),
        TEXT: lambda data: bytes(data).decode("utf-8", "surrogatepass"),
        BYTEARRAY: bytearray,
        IDENTIFIER: lambda data: UUID(bytes=bytes(data)),
        DATETIME: _raise_datetime,
        DATE: _raise_date,
        TIME: lambda data: _raise_time(bytes(data)),
        TIMEDELTA: lambda data: timedelta(*_TIMEDELTA.unpack(data)),
    }
)
