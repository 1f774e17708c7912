"""What one entry of `CACHES` says: which store, and how much of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.core.cache.backends.base import InvalidCacheBackendError

from ...configuration import meant
from ...stores import StoreError
from ...stores.location import parse

#: What Django itself reads beside `OPTIONS`. `BACKEND` and `LOCATION` are taken out before.
DJANGOS = ("TIMEOUT", "OPTIONS", "KEY_PREFIX", "VERSION", "KEY_FUNCTION")

#: How many entries there may be where nobody set it.
UNLIMITED = 2**62


@dataclass(frozen=True)
class Kind:
    """A backend: its name, and the schemes that its LOCATION may have (None: all)."""

    name: str
    schemes: tuple[str, ...] | None


EMBEDDED = Kind("EmbeddedCache", ("lmdb",))
GUARDED = Kind("GuardedCache", None)


@dataclass(frozen=True)
class Guarding:
    """What of the guard is on.

    Attributes:
        one_load: whether get_or_set runs its function once in the whole cluster.
        wait: seconds that others wait for that.
        spread: up to which share of its time an entry loses, at random.
        spares: whether the cache goes on while its store is away.
    """

    one_load: bool = True
    wait: float = 10.0
    spread: float = 0.1
    spares: bool = True


_UNGUARDED = Guarding(one_load=False, spread=0.0, spares=False)


@dataclass(frozen=True)
class Parameters:
    """What an entry of `CACHES` says, as Holdfast needs it.

    Attributes:
        url: of the store.
        store: options for opening it.
        values: options for turning values into bytes.
        counted: whether the entries have to be counted here, because there is a limit to them.
        guarding: what of the guard is on.
    """

    url: str
    store: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    counted: bool = False
    guarding: Guarding = _UNGUARDED


def read(kind: Kind, location: object, params: Mapping[str, Any]) -> Parameters:
    """Make sense of an entry of `CACHES`.

    Raises:
        InvalidCacheBackendError: there is none. The message says what to write.
    """
    options = params.get("OPTIONS", {})
    if not isinstance(options, Mapping):
        raise _wrong(kind, f"OPTIONS must be a dict, not {options!r}.")
    for key in params:
        if key in DJANGOS:
            continue
        if key in _OPTIONS:
            raise _wrong(kind, f"{key} stands beside OPTIONS. Write 'OPTIONS': {{{key!r}: …}}.")
        raise _wrong(kind, f"there is no setting {key!r}.{meant(key, DJANGOS)}")
    url = _url(kind, location)
    scheme = url.partition(":")[0]
    for key, value in options.items():
        _validate(kind, scheme, key, value)
    # An embedded store keeps the number of entries down by itself, in the write that adds one.
    embedded = scheme == "lmdb"
    names = _STORES | _EMBEDDED if embedded else _STORES
    return Parameters(
        url,
        store={names[key]: value for key, value in options.items() if key in names},
        values={key: options[key] for key in ("PICKLE", "COMPRESS_ABOVE") if key in options},
        counted="MAX_ENTRIES" in options and not embedded,
        guarding=_guarding(kind, options),
    )


def _guarding(kind: Kind, options: Mapping[str, Any]) -> Guarding:
    given: dict[str, Any] = {
        name: options[key] for key, name in _GUARDING.items() if key in options
    }
    if "OUTAGE" in options:
        given["spares"] = options["OUTAGE"] == "miss"
    return replace(Guarding() if kind is GUARDED else _UNGUARDED, **given)


_GUARDING = {"ONE_LOAD": "one_load", "SPREAD": "spread", "WAIT": "wait"}


#: What the store's own options are called.
_STORES = {"MAX_CONNECTIONS": "max_connections", "STORE_TIMEOUT": "timeout"}
_EMBEDDED = {"MAX_BYTES": "size", "MAX_ENTRIES": "max_entries", "CULL_FREQUENCY": "cull_frequency"}


def _wrong(kind: Kind, what: str) -> InvalidCacheBackendError:
    return InvalidCacheBackendError(f"CACHES, {kind.name}: {what}")


# The location


def _url(kind: Kind, location: object) -> str:
    places = location if isinstance(location, list | tuple) else [location]
    urls = [_url_of_one(kind, place) for place in places]
    if len(urls) == 1:
        return urls[0]
    if all(url.startswith("memcached://") for url in urls):
        return "memcached://" + ",".join(url.removeprefix("memcached://") for url in urls)
    raise _wrong(
        kind,
        "LOCATION is a list, which only several memcached:// servers can be. Name Redis's primary"
        " alone: a replica would answer with what was true before. For failover write"
        " 'redis+sentinel://host,host/service', to share keys among servers"
        " 'redis+cluster://host,host'.",
    )


def _url_of_one(kind: Kind, place: object) -> str:
    if isinstance(place, Path):
        place = str(place)
    if not isinstance(place, str):
        raise _wrong(kind, f"LOCATION must be a text such as 'redis://127.0.0.1/1', not {place!r}.")
    scheme = re.match(r"([a-z][a-z0-9+.-]*)://", place)
    if scheme is None:
        return _url_of_bare(kind, place)
    if kind.schemes is not None and scheme[1] not in kind.schemes:
        raise _wrong(
            kind,
            f"LOCATION is a directory of this machine, not {scheme[1]}://…. For that write"
            " 'BACKEND': 'holdfast.django.cache.GuardedCache'.",
        )
    try:
        parse(place)  # before the options, which are judged by what the store is
    except StoreError as error:
        raise _wrong(kind, f"LOCATION: {error}") from error
    return place


def _url_of_bare(kind: Kind, place: str) -> str:
    """LOCATION without a scheme: a directory, or what Django's own backends take."""
    if kind is EMBEDDED:
        if not place:
            return "lmdb://"
        if not Path(place).is_absolute():
            raise _wrong(kind, f"LOCATION must be an absolute path, not {place!r}.")
        return f"lmdb://{place}"
    if not place:
        raise _wrong(
            kind,
            "there is no LOCATION. Write 'redis://127.0.0.1/1', 'memcached://127.0.0.1:11211' or"
            " 'lmdb:///directory'; or use EmbeddedCache, which needs none.",
        )
    if re.fullmatch(r"[\w.\-]+:\d+([,;][\w.\-]+:\d+)*", place):
        servers = place.replace(";", ",")
        raise _wrong(
            kind, f"LOCATION {place!r} doesn't say what is there. Write 'memcached://{servers}'."
        )
    if place.startswith("/"):
        raise _wrong(kind, f"LOCATION {place!r} doesn't say what is there. Write 'lmdb://{place}'.")
    raise _wrong(
        kind,
        "LOCATION must begin with 'redis://', 'memcached://', 'lmdb://' or another kind of store.",
    )


# The options


def _validate(kind: Kind, scheme: str, key: object, value: object) -> None:
    if key not in _OPTIONS:
        hint = _HINTS.get(str(key)) or meant(key, [*_OPTIONS]).strip()
        raise _wrong(kind, f"OPTIONS has no key {key!r}. {hint}")
    option = _OPTIONS[str(key)]
    if not option.may_be(value):
        raise _wrong(kind, f"OPTIONS[{key!r}] must be {option.what}, not {value!r}.")
    if option.schemes and not scheme.startswith(option.schemes):
        raise _wrong(kind, f"OPTIONS has {key!r}, which is not for {scheme}://. {option.otherwise}")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_count_or_zero(value: object) -> bool:
    return _is_count(value) or (value == 0 and value is not False)


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _is_share(value: object) -> bool:
    return value == 0 or (_is_seconds(value) and value < 1)  # type: ignore[operator]


def _is_outage(value: object) -> bool:
    return value in {"miss", "raise"} if isinstance(value, str) else False


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_size_or_none(value: object) -> bool:
    return value is None or _is_count_or_zero(value)


@dataclass(frozen=True)
class _Option:
    what: str
    may_be: Callable[[object], bool]
    schemes: tuple[str, ...] = ()
    otherwise: str = ""


_REDIS = ("redis", "rediss", "valkey", "valkeys", "unix")
_COUNTING = ("lmdb", "memory", *_REDIS)
_LEFT_TO_MEMCACHED = "Leave it out: Memcached evicts by itself, at the size that -m sets."

_OPTIONS: dict[str, _Option] = {
    "MAX_ENTRIES": _Option("a whole number above 0", _is_count, _COUNTING, _LEFT_TO_MEMCACHED),
    "CULL_FREQUENCY": _Option(
        "a whole number, or 0 to remove all", _is_count_or_zero, _COUNTING, _LEFT_TO_MEMCACHED
    ),
    "MAX_BYTES": _Option(
        "a whole number of bytes",
        _is_count,
        ("lmdb",),
        "Set the server's own limit: Redis's maxmemory with maxmemory-policy, Memcached's -m.",
    ),
    "MAX_CONNECTIONS": _Option("a whole number above 0", _is_count, _REDIS, "Leave it out."),
    "STORE_TIMEOUT": _Option("a number of seconds above 0", _is_seconds),
    "PICKLE": _Option("True or False", _is_bool),
    "COMPRESS_ABOVE": _Option("a number of bytes, or None", _is_size_or_none),
    "ONE_LOAD": _Option("True or False", _is_bool),
    "WAIT": _Option("a number of seconds above 0", _is_seconds),
    "SPREAD": _Option("a share of the time, from 0 to below 1, such as 0.1", _is_share),
    "OUTAGE": _Option("'miss' or 'raise'", _is_outage),
}

#: Options of other backends that people bring along, and what to write here.
_HINTS = {
    "CLIENT_CLASS": "It is django-redis's. Leave it out: the client is part of the backend.",
    "CONNECTION_POOL_KWARGS": "Write 'MAX_CONNECTIONS' instead.",
    "CONNECTION_POOL_CLASS": "Leave it out.",
    "pool_class": "Leave it out.",
    "parser_class": "Leave it out: hiredis is used where it is installed.",
    "max_connections": "Write 'MAX_CONNECTIONS'.",
    "max_pool_size": "Leave it out: connections are pooled.",
    "use_pooling": "Leave it out: connections are pooled.",
    "SOCKET_TIMEOUT": "Write 'STORE_TIMEOUT', in seconds.",
    "SOCKET_CONNECT_TIMEOUT": "Write 'STORE_TIMEOUT', in seconds.",
    "socket_timeout": "Write 'STORE_TIMEOUT', in seconds.",
    "timeout": "Write 'STORE_TIMEOUT' for the store's, 'TIMEOUT' beside OPTIONS for the entries'.",
    "TIMEOUT": "Write 'STORE_TIMEOUT' for the store's, 'TIMEOUT' beside OPTIONS for the entries'.",
    "IGNORE_EXCEPTIONS": "Leave it out, or write 'OUTAGE': 'raise' where it was False.",
    "PASSWORD": "Put it into LOCATION: 'redis://:password@host/1'.",
    "password": "Put it into LOCATION: 'redis://:password@host/1'.",
    "username": "Put it into LOCATION: 'redis://user:password@host/1'.",
    "DB": "Put it into LOCATION: 'redis://host/1'.",
    "db": "Put it into LOCATION: 'redis://host/1'.",
    "SERIALIZER": "Leave it out: plain data is stored as such, the rest is pickled and signed.",
    "serializer": "Leave it out: plain data is stored as such, the rest is pickled and signed.",
    "PICKLE_VERSION": "Leave it out.",
    "COMPRESSOR": "Write 'COMPRESS_ABOVE', in bytes.",
    "size_limit": "Write 'MAX_BYTES'.",
    "KEY_PREFIX": "It belongs beside OPTIONS.",
    "VERSION": "It belongs beside OPTIONS.",
    "KEY_FUNCTION": "It belongs beside OPTIONS.",
}
