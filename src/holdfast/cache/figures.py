"""The figures of all processes together, in the store that the results are in.

Each process writes down its own under its own name, as they are since it began: writing them once
too often does no harm. One record, the index, has the names of all, and the sum of the figures of
those that are gone: to add a process to that sum and to take its name away is one step.

A process is gone where its number is no process's on this machine any more, or where nothing was
heard of it for `SILENT` seconds. By the wall clocks, and so now and then wrongly: who finds that
it was taken for gone goes on under another name, and from 0. Nothing but these figures goes by it.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import configuration, named_stores
from ..stores.protocol import Store

#: Seconds after which a process that says nothing is taken for gone.
SILENT = 120.0
#: Of so many processes that are gone it is known where they were.
_MOST_PAST = 200
_TRIES = 20

_INDEX = b"holdfast:figures"
_ORDER = b"holdfast:figures:verify"
_WORKER = b"holdfast:figures:"

_opened: dict[str, Store] = {}


def place_of(store: str) -> Store:
    """Where the figures of that store's results are: beside them, but where nothing is evicted."""
    results = named_stores.store(store)
    if not results.url.startswith("lmdb:"):
        return results
    found = _opened.get(results.url)
    if found is None:
        from ..stores import open_store

        made = open_store(results.url, timeout=results.timeout, purpose="state")
        found = _opened.setdefault(results.url, made)
    return found


# Not closed here: who writes to one has it still, and another store may share its file.
configuration.listeners.append(_opened.clear)


@dataclass(slots=True)
class Figures:
    """Of one process, or of several.

    Attributes:
        names: by the name of what is cached, by figure. Beside the figures of `Counts`, "queries"
            and "reasons" have such of their own.
        store: of the store, and of the processes' own memory.
        framework: what the framework counts.
        differences: results that were not true, the last ones; see `verifying`.
    """

    names: dict[str, dict[str, Any]] = field(default_factory=dict)
    store: dict[str, float] = field(default_factory=dict)
    framework: dict[str, float] = field(default_factory=dict)
    differences: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """As it is written down."""
        return {
            "names": self.names,
            "store": self.store,
            "framework": self.framework,
            "differences": self.differences,
        }

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> Figures:
        """What was written down."""
        return cls(*(written.get(part, kind()) for part, kind in _PARTS.items()))

    def add(self, other: Figures, sign: int = 1) -> None:
        """Add the other's; or take them away."""
        for name, figures in other.names.items():
            _add(self.names.setdefault(name, {}), figures, sign)
        _add(self.store, other.store, sign)
        _add(self.framework, other.framework, sign)
        if sign > 0:
            self.differences = [*self.differences, *other.differences][-_MOST_DIFFERENCES:]


_PARTS: dict[str, type] = {"names": dict, "store": dict, "framework": dict, "differences": list}
_MOST_DIFFERENCES = 20

#: Figures of the moment: those of who is gone count no more.
_OF_THE_MOMENT = frozenset({"tier_bytes", "tier_results", "without_store"})


def _add(total: dict[str, Any], figures: Mapping[str, Any], sign: int) -> None:
    for name, figure in figures.items():
        if isinstance(figure, Mapping):
            _add(total.setdefault(name, {}), figure, sign)
        else:
            total[name] = total.get(name, 0) + sign * figure


@dataclass(slots=True)
class Member:
    """A process that has figures here.

    Attributes:
        token: its name, as hexadecimal digits.
        host, pid, began, command: see `Worker`.
        seen: when it last wrote its figures down, by its clock; 0: they are not there.
        figures: those.
    """

    token: str
    host: str
    pid: int
    began: float
    command: str
    seen: float = 0.0
    figures: Figures = field(default_factory=Figures)

    @property
    def is_gone(self) -> bool:
        """Whether it is taken for gone."""
        if self.host == socket.gethostname() and not _lives(self.pid):
            return True
        return abs(time.time() - max(self.seen, self.began)) > SILENT


@dataclass(slots=True)
class Everybody:
    """All figures that there are.

    Attributes:
        members: the processes whose figures are apart.
        gone: the sum of those that aren't any more.
        past: where the last of these were.
        ended: how many these are.
    """

    members: list[Member]
    gone: Figures
    past: list[Member]
    ended: int

    def total(self) -> Figures:
        """The sum of all."""
        total = Figures()
        total.add(self.gone)
        for member in self.members:
            total.add(member.figures)
            if member.is_gone:
                for name in member.figures.store.keys() & _OF_THE_MOMENT:
                    total.store[name] -= member.figures.store[name]
        return total

    def who(self, token: bytes) -> Member | None:
        """The process of that name, if it is known."""
        name = token.hex()
        return next((one for one in (*self.members, *self.past) if one.token == name), None)


def read(store: Store) -> Everybody:
    """All figures. Two round trips, usually."""
    data = store.get(_INDEX)
    found, is_whole = _read(store, _parsed(data))
    for _ in range(_TRIES):
        before, data = data, None if is_whole else store.get(_INDEX)
        if is_whole or data == before:
            break
        # The missing one may just have been added to those that are gone.
        found, is_whole = _read(store, _parsed(data))
    return found


def _read(store: Store, index: dict[str, Any]) -> tuple[Everybody, bool]:
    members = [Member(token, *facts) for token, facts in index.get("workers", {}).items()]
    records = store.get_many([_record(member.token) for member in members])
    for member in members:
        written = _parsed(records.get(_record(member.token)))
        member.seen = written.get("seen", 0.0)
        member.figures = Figures.of(written)
    past = [Member(*facts) for facts in index.get("past", [])]
    found = Everybody(members, Figures.of(index.get("gone", {})), past, index.get("ended", 0))
    return found, len(records) == len(members)


def write(store: Store, member: Member) -> None:
    """Write down a process's figures. One round trip."""
    data = {"seen": time.time(), **member.figures.as_dict()}
    store.set(_record(member.token), json.dumps(data).encode())


def register(store: Store, member: Member) -> bool:
    """Add a process to the index; False, if others were always faster."""
    facts = [member.host, member.pid, member.began, member.command]

    def add(index: dict[str, Any]) -> None:
        index.setdefault("workers", {})[member.token] = facts

    return _change(store, add)


def fold(store: Store) -> int:
    """Add those that are gone to the sum. How many there were."""
    gone = [member for member in read(store).members if member.is_gone]
    if not gone:
        return 0

    def take(index: dict[str, Any]) -> None:
        total = Figures.of(index.get("gone", {}))
        workers, past = index.get("workers", {}), index.get("past", [])
        for member in gone:
            # Somebody else may have done it.
            if workers.pop(member.token, None) is None:
                continue
            for name in _OF_THE_MOMENT:
                member.figures.store.pop(name, None)
            total.add(member.figures)
            facts = (member.token, member.host, member.pid, member.began, member.command)
            past = [*past, facts][-_MOST_PAST:]
            index["ended"] = index.get("ended", 0) + 1
        index |= {"gone": total.as_dict(), "past": past}

    if not _change(store, take):
        return 0
    store.delete_many([_record(member.token) for member in gone])
    return len(gone)


def forget(store: Store) -> None:
    """Forget all figures; processes that live begin anew."""
    store.delete_many([_record(member.token) for member in read(store).members])
    store.delete(_INDEX)


@dataclass(frozen=True, slots=True)
class Order:
    """What all processes are asked to do for a while: compare a share of what they serve.

    Attributes:
        name: tells it from the one before.
        share: of the hits.
        seconds: for how long.
        of: of what is cached, as a pattern of names; "*": of everything.
    """

    name: str
    share: float
    seconds: float
    of: str


def give_order(store: Store, order: Order) -> None:
    """Ask all processes."""
    facts = [order.name, order.share, order.seconds, order.of]
    store.set(_ORDER, json.dumps(facts).encode(), order.seconds + 5)


def withdraw_order(store: Store) -> None:
    """Ask them no more."""
    store.delete(_ORDER)


def heard(store: Store, token: str) -> tuple[bool, Order | None]:
    """Whether a process of that name is in the index, and what is asked of all. One round trip."""
    found = store.get_many([_INDEX, _ORDER])
    index = found.get(_INDEX, b"")
    order = found.get(_ORDER)
    # Its text, which is cheaper than all that is in it.
    known = f'"{token}": ['.encode() in index
    try:
        return known, None if order is None else Order(*json.loads(order))
    except (ValueError, TypeError):
        return known, None


def _record(token: str) -> bytes:
    return _WORKER + token.encode()


def _parsed(data: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(data or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _change(store: Store, change: Callable[[dict[str, Any]], object]) -> bool:
    for _ in range(_TRIES):
        found = store.gets(_INDEX)
        data, token = found or (None, None)
        index = _parsed(data)
        change(index)
        if store.replace(_INDEX, json.dumps(index).encode(), token, None):
            return True
    return False


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # another user's
    return True


def names_like(names: Collection[str], pattern: str) -> list[str]:
    """Those of the names that a pattern such as "shop.*" fits."""
    from fnmatch import fnmatchcase

    return sorted(name for name in names if fnmatchcase(name, pattern))
