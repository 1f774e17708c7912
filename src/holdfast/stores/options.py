"""The options of each engine, as they stand in the settings."""

from __future__ import annotations

from .location import parse

_ALL = ("COMMIT_TIMEOUT", "PURPOSE", "TIMEOUT", "URL")
_BY_ENGINE = {
    "lmdb": ("CULL_FREQUENCY", "DURABLE", "LOG_LIMIT", "MAX_ENTRIES", "PROJECT", "SIZE"),
    "memcached": ("CLEARABLE", "LOG_LENGTH", "MAX_CONNECTIONS"),
    "memory": ("LOG_LIMIT",),
    "redis": ("LOG_LENGTH", "MAX_CONNECTIONS", "TAG_LIMIT"),
}
#: Ours, and what is set elsewhere: known, but not to be shown to those who look for an option.
_INTERNAL = frozenset({"CLEARABLE", "COMMIT_TIMEOUT", "PROJECT", "PURPOSE"})


def options_of(url: str) -> tuple[list[str], list[str]]:
    """What the store at *url* takes: all of it, and what is for users, by name.

    Raises:
        StoreError: the URL makes no sense.
    """
    known = sorted((*_ALL, *_BY_ENGINE[parse(url).engine]))
    return known, [name for name in known if name not in _INTERNAL]
