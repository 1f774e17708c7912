"""Tags in Redis and Valkey: what each call asks of the server.

Why nothing stale is served. Each step is one script (`tag_scripts`), so all steps stand in one
order. A result is stored with the stamp that was taken before its load, and each hit compares that
with the numbers of its tags as they are then; so it does not matter when it was stored, and the
look that `put` takes beforehand only saves work. In a cluster, results lie on all nodes, and all
that concerns tags on one: a hit reads the result first, and what holds for it afterwards. A bump
in between makes it invalid, so what is found valid was so at a moment after the call began.

Nothing here reads a clock but the asking process's own. That a mark is over, and that so long after
a new epoch everything begun before it is over, is said by a process that has itself seen that very
mark, or that epoch, for `commit_timeout` seconds (`Observed`). The server's clock may be set at
will; only the TTLs of results are measured by it.

A server answers a write before its replicas have it. If it fails then, what replaces it is another
run: a new epoch, and nothing is stored for as long as a commit takes that the lost mark announced.
Two masters at once, parted from each other, are two stores; `min-replicas-to-write` forbids that.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Any, cast

from ..errors import StoreUnavailable
from ..networked.observed import Observed
from ..networked.results import DIGEST, digest, digests, pack, unpack
from ..tags import Entry, Look, Stamp, TagState
from . import tag_scripts as scripts
from .many import ManyOperations
from .naming import Naming
from .operations import milliseconds
from .requests import Batch, Operation, Run
from .scripts import Script
from .tag_scripts import LOST

#: Tags whose numbers are remembered, by default; some 30 MB if there are as many.
TAG_LIMIT = 250_000
_TRIES = 5
_SLICE = 1000
#: Where epoch and digest end in what a script tells of marks, and how long each mark is.
_EPOCH, _TAG, _MARK = 8, 8 + DIGEST, 2 * DIGEST


class RedisTagOperations:
    """What can be done with tags. Shared by both faces of a store.

    Args:
        names: of the keys.
        commit_timeout: seconds after which a mark is over.
        limit: tags that are remembered.
        many: clears.
    """

    def __init__(
        self, names: Naming, commit_timeout: float, limit: int, many: ManyOperations
    ) -> None:
        self._many = many
        self.commit_timeout = commit_timeout
        self._names = names
        self._state = names.tags()
        self._prefix = names.results
        self._limit = limit
        self._marks = Observed(commit_timeout)
        self._epochs = Observed(commit_timeout)

    def stamp(self) -> Operation[Stamp | None]:
        """See `Tags.stamp`."""
        stamp, quiet = yield from self._ask(scripts.STAMP)
        if quiet:
            epoch = stamp[:8]
            if not self._epochs.long_enough(epoch):
                return None
            yield Run(scripts.BEGIN, self._state, (epoch,))
        return cast("bytes", stamp)

    def sequence(self) -> Operation[bytes]:
        """See `Tags.sequence`."""
        stamp, _ = yield from self._ask(scripts.STAMP)
        return cast("bytes", stamp)

    def put(
        self, key: bytes, value: bytes, ttl: float | None, stamp: Stamp, tags: Collection[bytes]
    ) -> Operation[bool]:
        """See `Tags.put`."""
        if ttl is not None and ttl <= 0:
            return False
        record, found = pack(stamp, tags, value), digests(tags)
        name = self._prefix + key
        if self._names.cluster:
            if not (yield from self._holds(stamp, found)):
                return False
            expiry = () if ttl is None else ("PX", milliseconds(ttl))
            yield ("SET", name, record, *expiry)
            return True
        expiry_ = b"" if ttl is None else milliseconds(ttl)
        marked, done = yield from self._ask(scripts.PUT, name, told=(stamp, found, record, expiry_))
        yield from self._settle(marked)
        return bool(done)

    def get(self, key: bytes) -> Operation[Entry | None]:
        """See `Tags.get`."""
        return (yield from self.get_many((key,))).get(key)

    def get_many(self, keys: Collection[bytes]) -> Operation[dict[bytes, Entry]]:
        """See `Tags.get_many`."""
        found: dict[bytes, Entry] = {}
        wanted = list(dict.fromkeys(keys))
        for first in range(0, len(wanted), _SLICE):
            part = wanted[first : first + _SLICE]
            if self._names.cluster:
                found |= yield from self._get_apart(part)
            else:
                found |= yield from self._get_at_once(part)
        return found

    def _get_at_once(self, keys: list[bytes]) -> Operation[dict[bytes, Entry]]:
        prefix = self._prefix
        marked, *answers = yield from self._ask(scripts.GET, *[prefix + key for key in keys])
        found = {
            key: _entry(answer[0], answer[1], valid=answer[2])
            for key, answer in zip(keys, answers, strict=True)
            if answer is not None
        }
        yield from self._settle(marked)
        return found

    def _get_apart(self, keys: list[bytes]) -> Operation[dict[bytes, Entry]]:
        """In a cluster: first the results, then what holds for them."""
        commands = [(word, self._prefix + key) for key in keys for word in ("GET", "PTTL")]
        replies = yield Batch(commands)
        raws = {
            key: (raw, left)
            for key, raw, left in zip(keys, replies[::2], replies[1::2], strict=True)
            # It may have ended between the two.
            if raw is not None and left != -2  # noqa: PLR2004 - Redis's word for no record
        }
        if not raws:
            return {}
        told: list[bytes] = []
        for raw, _ in raws.values():
            result = unpack(raw)
            told += (result.stamp, result.digests)
        marked, *answers = yield from self._ask(scripts.CHECK, told=tuple(told))
        yield from self._settle(marked)
        return {
            key: _entry(raw, left, valid=valid)
            for (key, (raw, left)), valid in zip(raws.items(), answers, strict=True)
        }

    def valid(self, stamp: Stamp, tags: Collection[bytes]) -> Operation[bool]:
        """See `Tags.valid`."""
        return (yield from self._holds(stamp, digests(tags)))

    def _holds(self, stamp: Stamp, found: bytes) -> Operation[bool]:
        marked, holds = yield from self._ask(scripts.CHECK, told=(stamp, found))
        yield from self._settle(marked)
        return bool(holds)

    def mark(self, tags: Collection[bytes], writer: bytes) -> Operation[None]:
        """See `Tags.mark`."""
        if tags:
            yield from self._ask(scripts.MARK, told=(digests(tags), digest(writer)))

    def bump(self, tags: Collection[bytes], writer: bytes | None) -> Operation[None]:
        """See `Tags.bump`."""
        if tags:
            by = b"" if writer is None else digest(writer)
            yield from self._ask(scripts.BUMP, told=(digests(tags), by, self._limit))

    def unmark(self, tags: Collection[bytes], writer: bytes) -> Operation[None]:
        """See `Tags.unmark`."""
        if tags:
            yield from self._ask(scripts.UNMARK, told=(digests(tags), digest(writer)))

    def delete(self, key: bytes) -> Operation[bool]:
        """UNLINK."""
        return bool((yield ("UNLINK", self._prefix + key)))

    def clear(self) -> Operation[None]:
        """SCAN and UNLINK."""
        yield from self._many.clear_results()

    def look(self, tags: Collection[bytes], *, count: bool) -> Operation[Look]:
        """One script; to count results, SCAN."""
        names = list(dict.fromkeys(tags))
        told = yield from self._ask(scripts.LOOK, told=(digests(names),))
        stamp, quiet, floor, remembered, marked, numbers, marks = told
        states = {
            name: TagState(int(number or floor), number != b"", len(found) // _MARK)
            for name, number, found in zip(names, numbers, marks, strict=True)
        }
        results = (yield from self._many.count_results()) if count else None
        return Look(stamp, bool(quiet), states, remembered, marked, results)

    def _ask(self, script: Script, *keys: bytes, told: tuple[Any, ...] = ()) -> Operation[Any]:
        """Run a step; in a new epoch, if the state is missing or another run's."""
        for _ in range(_TRIES):
            reply = yield Run(script, (*self._state, *keys), told)
            if reply != LOST:
                return reply
            yield Run(scripts.RENEW, self._state, (secrets.token_bytes(8),))
        raise StoreUnavailable(
            "Redis lost the state of tags again and again: see to it that it does not evict right"
            " after writing (maxmemory)"
        )

    def _settle(self, marked: list[bytes]) -> Operation[None]:
        """Have marks become a bump that this process has seen for long enough."""
        epoch, over = b"", []
        for met in marked:
            epoch, tag = met[:_EPOCH], met[_EPOCH:_TAG]
            for place in range(_TAG, len(met), _MARK):
                mark = tag + met[place : place + _MARK]
                if self._marks.long_enough((epoch, mark)):
                    over.append(mark)
        if over:
            yield Run(scripts.SETTLE, self._state, (epoch, self._limit, *over))
            for mark in over:
                self._marks.gone((epoch, mark))


def _entry(raw: bytes, left: int, *, valid: int) -> Entry:
    result = unpack(raw)
    # -1: no TTL.
    seconds = None if left < 0 else left / 1000
    return Entry(result.value, result.tags, result.stamp, bool(valid), seconds)
