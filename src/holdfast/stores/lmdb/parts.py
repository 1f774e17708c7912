"""How an embedded store is put together from its options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from ..errors import StoreError
from ..location import Location, default_directory, parse
from ..tags import COMMIT_TIMEOUT, seconds_of
from .environment import Environment
from .eviction import Sieve
from .locks import Locks
from .table import Table
from .tag_table import TagTable
from .topics import Topics
from .transactions import Transactions

_STATE_SIZE, _CACHE_SIZE = 2**30, 2**28
_SMALLEST = 2**18
_LOG_LIMIT = 10_000
_CULL_FREQUENCY = 3

# LMDB can't have a file open twice in a process, so stores on one file share it.
_environments: WeakValueDictionary[tuple[Path, str], Environment] = WeakValueDictionary()


class Parts:
    """The parts of one store.

    Args:
        url: `lmdb:///path?option=value`, or `lmdb://` for the project's own directory.
        timeout: seconds that a write waits for others.
        purpose: "state" or "cache"; each has a file of its own.
        project: the project's base directory, which gives `lmdb://` its meaning. None: the working
            directory.
        size: bytes of live data, as a number or as "512MB"; 1 GB for state, 256 MB for a cache. The
            file may get half as large again.
        durable: wait, at each write, until it is on the disk. The data outlives a power cut then;
            otherwise it lasts until the machine starts again.
        log_limit: changes that each topic's log keeps; 10,000.
        max_entries: records that a cache holds; None: as many as there is room for.
        cull_frequency: one in so many goes when there are as many; 0: all go. 3.
        commit_timeout: seconds after which the mark of a tag is over; 10.

    Raises:
        StoreError: an option makes no sense.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        purpose: str,
        project: str | Path | None = None,
        **options: Any,
    ) -> None:
        location = parse(url)
        unknown = sorted({*location.options, *options} - set(_OPTIONS))
        if unknown:
            raise StoreError(
                f"{unknown[0]!r} is no option of the embedded store; it has:"
                f" {', '.join(sorted(_OPTIONS))}."
            )
        given = {**location.options, **{k: v for k, v in options.items() if v is not None}}
        read: dict[str, Any] = {name: _OPTIONS[name](name, value) for name, value in given.items()}
        cache = purpose == "cache"
        durable = bool(read.get("durable", False))
        size = read.get("size", _CACHE_SIZE if cache else _STATE_SIZE)
        place = _place(location, project)
        self.url = f"lmdb://{place}"
        name = purpose + ("-durable" if durable else "")
        environment = _environments.get((place, name))
        if environment is None:
            environment = Environment(
                place,
                name,
                size=max(size, _SMALLEST),
                durable=durable,
                evicts=cache,
                timeout=timeout,
            )
            _environments[place, name] = environment
        elif "size" in read:
            environment.size = max(size, _SMALLEST)
        self.environment = environment
        self.topics = Topics(environment, read.get("log_limit", _LOG_LIMIT))
        self.sieve = None
        if environment.marks is not None:
            self.sieve = Sieve(environment.databases, environment.marks)
        self.table = Table(
            environment,
            self.topics,
            self.sieve,
            max_entries=read.get("max_entries"),
            cull_frequency=read.get("cull_frequency", _CULL_FREQUENCY),
        )
        self.commit_timeout = read.get("commit_timeout", COMMIT_TIMEOUT)
        if "commit_timeout" in read:
            environment.commit_timeout = self.commit_timeout
        self.tag_table = TagTable(environment)
        self.locks = Locks(environment)
        self.transactions = Transactions(
            environment, timeout, self._care, self.table.room.make_room if self.sieve else None
        )

    def _care(self, txn: Any) -> None:
        self.table.sweep(txn)
        self.locks.sweep(txn)

    def stats(self, txn: Any) -> dict[str, object]:
        """What `Store.stats` tells."""
        environment = self.environment
        databases = environment.databases
        return {
            "engine": "lmdb",
            "file": str(environment.file),
            "durable": environment.durable,
            "records": txn.stat(databases[b"records"])["entries"],
            "expiring": txn.stat(databases[b"expiry"])["entries"],
            "locks": txn.stat(databases[b"locks"])["entries"],
            "topics": txn.stat(databases[b"topics"])["entries"],
            "tags": txn.stat(databases[b"tags"])["entries"],
            "bytes": self.table.room.live(txn),
            "size": environment.size,
            "file_bytes": environment.file.stat().st_size,
            # Of this process, since it opened the store.
            "evicted": self.sieve.evicted if self.sieve is not None else 0,
            "swept": self.table.swept,
        }


def _place(location: Location, project: str | Path | None) -> Path:
    if location.path:
        return Path(location.path)
    return default_directory(project)


def _whole(name: str, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if number < 0:
        raise StoreError(f"The embedded store's option {name!r} must be a whole number.")
    return number


def _seconds(_: str, value: Any) -> float:
    return seconds_of(value)


_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def _bytes(name: str, value: Any) -> int:
    match = re.fullmatch(r"(\d+)\s*([KMGT]?)i?B?", str(value), re.IGNORECASE)
    if match is None:
        raise StoreError(
            f"The embedded store's option {name!r} must be a number of bytes, such as 512MB, and"
            f" not {value!r}."
        )
    return int(match[1]) * _UNITS[match[2].upper()]


def _switch(name: str, value: Any) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    switch = known.get(str(value).lower())
    if switch is None:
        raise StoreError(f"The embedded store's option {name!r} must be true or false.")
    return switch


_OPTIONS = {
    "size": _bytes,
    "durable": _switch,
    "log_limit": _whole,
    "max_entries": _whole,
    "cull_frequency": _whole,
    "commit_timeout": _seconds,
}
