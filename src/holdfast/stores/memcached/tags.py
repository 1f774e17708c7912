"""Tags in Memcached: what each call asks of the servers.

All that concerns tags lies on one server: the state (`tag_state`), and an item for each tag with
the number of its last bump. Results lie on all servers.

Why nothing stale is served, although no step covers two items:

- A hit reads the result first, then the state, then the numbers of its tags; the last two in one
  go over one connection, which the server answers in order. If the state shows no mark, then no
  bump of these tags was under way at that moment, and the numbers, which only grow, are no lower
  than they were then. So what is found valid was so at that moment, after the call began.
- A bump takes a number (the tags are marked from then on, if they weren't before), raises each
  tag's number to it, never lowers one, and takes the marks away last. Who is killed in between
  leaves marks, and they become a bump in their time.
- `put` looks beforehand only to save work: what it stores has its stamp, and hits look at that.
- A tag that has no item reads as bumped just now. To make it one, an item without a number is
  added; then the state is read; then the item is given the sequence of that moment, unless it was
  changed meanwhile. Whatever number was lost with an evicted item was given before.
- A state that is missing (flushed, restarted, evicted) is a new epoch: nothing from before is
  valid, nor is anything stored until a process has seen the new epoch for `commit_timeout`
  seconds, by its own watch. Marks end by such a watch as well. No other clock takes part, but in
  the TTLs of results.

It rests on the server doing what one connection asks in order, as Memcached does, and proxies that
spread keys over servers don't.
"""

from __future__ import annotations

import random
import secrets
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from ..errors import StoreTimeout
from ..networked.observed import Observed
from ..networked.results import Result, apart, digest, digests, pack
from ..networked.results import unpack as unpack_result
from ..tags import Entry, Look, Stamp, TagState
from . import wire
from .failures import refused
from .naming import Naming
from .records import ended, left, life
from .requests import Ask, Operation, Pause
from .tag_state import Mark, State, all_for, is_all, new_epoch, unpack
from .wire import Reply

#: Tags that one writer marks one by one; with more, it marks all there are.
MOST_MARKED = 500
#: Marks at once, of all writers; a writer that comes then marks all tags.
_MOST_MARKS = 5000
_TRIES = 3
_NONE = 2**63


class MemcachedTagOperations:
    """What can be done with tags. Shared by both faces of a store.

    Args:
        names: of the keys.
        patience: seconds after which a compare-and-set that keeps losing is given up.
        commit_timeout: seconds after which a mark is over.
    """

    def __init__(self, names: Naming, patience: float, commit_timeout: float) -> None:
        self.commit_timeout = commit_timeout
        self._names = names
        self._patience = patience
        self._state_name = names.tag_state()
        self._epoch = b""
        self._server = names.server(self._state_name)
        self._marks = Observed(commit_timeout)
        self._epochs = Observed(commit_timeout)

    # The state

    def stamp(self) -> Operation[Stamp | None]:
        """See `Tags.stamp`."""
        state = yield from self._state()
        if state.quiet:
            if not self._epochs.long_enough(state.epoch):
                return None
            epoch = state.epoch
            state = yield from self._change(
                lambda now: replace(now, quiet=False) if now.epoch == epoch else now
            )
        return None if state.quiet else state.stamp

    def sequence(self) -> Operation[bytes]:
        """See `Tags.sequence`."""
        state = yield from self._state()
        return state.epoch + state.token.to_bytes(8)

    def _state(self) -> Operation[State]:
        for _ in self._tries():
            (reply,) = yield [self._ask(wire.get_all(self._state_name))]
            if _sound(reply).kind == wire.VALUE:
                return unpack(reply.value, reply.token)
            # Of several that find it missing, one's new epoch is that of all.
            (reply,) = yield [self._ask(wire.add(self._state_name, new_epoch().pack()))]
            _sound(reply)
        raise self._contended()

    def _change(self, change: Callable[[State], State]) -> Operation[State]:
        """Change the state in one step. It may be called again, with what there is then."""
        for _ in self._tries():
            state = yield from self._state()
            changed = change(state)
            if changed == state:
                return state
            command = wire.swap(self._state_name, changed.pack(), state.token)
            (reply,) = yield [self._ask(command)]
            if _sound(reply).kind == wire.DONE:
                return changed
            yield Pause(random.uniform(0.0002, 0.002))  # noqa: S311 - to get out of the way
        raise self._contended()

    # Results

    def put(
        self, key: bytes, value: bytes, ttl: float | None, stamp: Stamp, tags: Collection[bytes]
    ) -> Operation[bool]:
        """See `Tags.put`."""
        if ttl is not None and ttl <= 0:
            return False
        record, term = pack(stamp, tags, value), life(ttl)
        if not (yield from self._holds(stamp, apart(digests(tags)))):
            return False
        name = self._names.result(key)
        command = wire.put(name, record, term.ttl, term.mark)
        (reply,) = yield [Ask(self._names.server(name), command)]
        _sound(reply)
        return True

    def get(self, key: bytes) -> Operation[Entry | None]:
        """See `Tags.get`."""
        return (yield from self.get_many((key,))).get(key)

    def get_many(self, keys: Collection[bytes]) -> Operation[dict[bytes, Entry]]:
        """See `Tags.get_many`."""
        names = {key: self._names.result(key) for key in keys}
        if not names:
            return {}
        replies = yield [
            Ask(self._names.server(name), wire.get_all(name)) for name in names.values()
        ]
        there: dict[bytes, tuple[Result, float | None]] = {
            key: (unpack_result(reply.value), left(reply))
            for key, reply in zip(names, replies, strict=True)
            if _sound(reply).kind == wire.VALUE and not ended(reply)
        }
        if not there:
            return {}
        tags = b"".join(result.digests for result, _ in there.values())
        state, numbers = yield from self._look(list(dict.fromkeys(apart(tags))))
        yield from self._settle_over(state)
        found: dict[bytes, Entry] = {}
        for key, (result, seconds) in there.items():
            if not _cleared(state, result.stamp):
                valid = _holds(state, result.stamp, apart(result.digests), numbers)
                found[key] = Entry(result.value, result.tags, result.stamp, valid, seconds)
        return found

    def valid(self, stamp: Stamp, tags: Collection[bytes]) -> Operation[bool]:
        """See `Tags.valid`."""
        return (yield from self._holds(stamp, apart(digests(tags))))

    def delete(self, key: bytes) -> Operation[bool]:
        """A delete."""
        name = self._names.result(key)
        server = self._names.server(name)
        look, reply = yield [Ask(server, wire.look(name)), Ask(server, wire.remove(name))]
        return not ended(_sound(look)) and _sound(reply).kind == wire.DONE

    def clear(self) -> Operation[None]:
        """Nobody can list Memcached's keys: from now on, results with older stamps are none."""
        yield from self._change(
            lambda now: replace(now, sequence=now.sequence + 1, cleared=now.sequence + 1)
        )

    def look(self, tags: Collection[bytes], *, count: bool) -> Operation[Look]:
        """See `Tags.look`. Nobody can count Memcached's items."""
        names = {name: digest(name) for name in tags}
        state, numbers = yield from self._look(list(names.values()))
        marked = Counter(mark.tag for mark in state.marks)
        for_all = sum(number for tag, number in marked.items() if is_all(tag))
        states = {}
        for name, tag in names.items():
            known = numbers[tag] != _NONE
            number = max(state.floor, numbers[tag]) if known else state.sequence
            states[name] = TagState(number, known, marked[tag] + for_all)
        return Look(state.stamp, state.quiet, states, None, len(marked), None)

    def _holds(self, stamp: Stamp, tags: list[bytes]) -> Operation[bool]:
        """Whether a stamp holds; tags that have no item are given one."""
        state, numbers = yield from self._look(tags)
        for _ in range(_TRIES):
            missing = [tag for tag in tags if numbers[tag] == _NONE]
            if not missing or state.epoch != stamp[:8]:
                break
            yield from self._begin(state.epoch, missing)
            state, numbers = yield from self._look(tags)
        yield from self._settle_over(state)
        return _holds(state, stamp, tags, numbers)

    def _look(self, tags: list[bytes]) -> Operation[tuple[State, dict[bytes, int]]]:
        """The state, and then the numbers: in this order, over one connection."""
        epoch = self._epoch
        for _ in self._tries():
            if not epoch:
                epoch = (yield from self._state()).epoch
            first, *replies = yield [
                self._ask(wire.get_all(self._state_name)),
                *[self._ask(wire.get_all(self._names.tag(epoch, tag))) for tag in tags],
            ]
            if _sound(first).kind == wire.VALUE:
                state = unpack(first.value, first.token)
                if state.epoch == epoch:
                    self._epoch = epoch
                    numbers = {
                        tag: _number(reply) for tag, reply in zip(tags, replies, strict=True)
                    }
                    return state, numbers
            epoch = b""
        raise self._contended()

    def _begin(self, epoch: bytes, tags: list[bytes]) -> Operation[None]:
        """Give tags an item that have none, with the sequence of a moment after it was added."""
        names = [self._names.tag(epoch, tag) for tag in tags]
        yield [self._ask(wire.add(name, b"")) for name in names]
        *replies, last = yield [
            *[self._ask(wire.get_all(name)) for name in names],
            self._ask(wire.get_all(self._state_name)),
        ]
        if _sound(last).kind != wire.VALUE:
            return
        number = unpack(last.value, 0).sequence.to_bytes(8)
        empty = [
            (name, reply.token)
            for name, reply in zip(names, replies, strict=True)
            if _sound(reply).kind == wire.VALUE and not reply.value
        ]
        if empty:
            yield [self._ask(wire.swap(name, number, token)) for name, token in empty]

    # Changes

    def mark(self, tags: Collection[bytes], writer: bytes) -> Operation[None]:
        """See `Tags.mark`."""
        if tags:
            yield from self._change(_marking(apart(digests(tags)), digest(writer)))

    def bump(self, tags: Collection[bytes], writer: bytes | None) -> Operation[None]:
        """See `Tags.bump`."""
        if not tags:
            return
        found = apart(digests(tags))
        by = secrets.token_bytes(16) if writer is None else digest(writer)
        state = yield from self._change(_marking(found, by))
        yield from self._raise(state.epoch, found, state.sequence)
        yield from self._change(_unmarking(found, by))

    def unmark(self, tags: Collection[bytes], writer: bytes) -> Operation[None]:
        """See `Tags.unmark`."""
        if tags:
            yield from self._change(_unmarking(apart(digests(tags)), digest(writer)))

    def _settle_over(self, state: State) -> Operation[None]:
        """Have marks become a bump that this process has seen for long enough."""
        epoch = state.epoch
        over = [mark for mark in state.marks if self._marks.long_enough((epoch, mark))]
        if not over:
            return
        # Only those that are there still: who saw them as well may have been faster.
        changed = yield from self._change(_bumping_all(epoch, over))
        if changed.epoch == epoch:
            tags = list(dict.fromkeys(mark.tag for mark in over if not is_all(mark.tag)))
            yield from self._raise(epoch, tags, changed.sequence)
            gone = set(over)
            yield from self._change(
                lambda now: (
                    replace(now, marks=tuple(mark for mark in now.marks if mark not in gone))
                    if now.epoch == epoch
                    else now
                )
            )
        for mark in over:
            self._marks.gone((epoch, mark))

    def _raise(self, epoch: bytes, tags: list[bytes], number: int) -> Operation[None]:
        """Give each tag that number, unless it has a higher one."""
        rest = {tag: self._names.tag(epoch, tag) for tag in tags}
        value = number.to_bytes(8)
        for _ in self._tries():
            replies = yield [self._ask(wire.get_all(name)) for name in rest.values()]
            asks = []
            for tag, reply in zip(list(rest), replies, strict=True):
                if _sound(reply).kind == wire.MISS:
                    asks.append(self._ask(wire.add(rest[tag], value)))
                elif reply.value < value:
                    asks.append(self._ask(wire.swap(rest[tag], value, reply.token)))
                else:
                    del rest[tag]
            if not rest:
                return
            done = yield asks
            for tag, reply in zip(list(rest), done, strict=True):
                if _sound(reply).kind == wire.DONE:
                    del rest[tag]
            if not rest:
                return
        raise self._contended()

    # Asking

    def _ask(self, command: bytes) -> Ask:
        return Ask(self._server, command)

    def _tries(self) -> Iterator[None]:
        """At least one, and others as long as there is time."""
        yield None
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            yield None

    def _contended(self) -> StoreTimeout:
        return StoreTimeout(
            "the tags were changed by others again and again; raise the store's timeout, or use"
            " Redis for tags that are changed by many at once"
        )


def _marking(tags: list[bytes], writer: bytes) -> Callable[[State], State]:
    """Takes a number, and marks the tags with it."""

    def change(now: State) -> State:
        number = now.sequence + 1
        wanted = tags
        if len(tags) > MOST_MARKED or len(now.marks) + len(tags) > _MOST_MARKS:
            wanted = [all_for(tags)]
        mine = set(wanted)
        kept = [mark for mark in now.marks if mark.writer != writer or mark.tag not in mine]
        marks = (*kept, *[Mark(tag, writer, number) for tag in wanted])
        return replace(now, sequence=number, marks=marks)

    return change


def _unmarking(tags: list[bytes], writer: bytes) -> Callable[[State], State]:
    """Takes the writer's marks of these tags away."""
    gone = {*tags, all_for(tags)}

    def change(now: State) -> State:
        marks = tuple(mark for mark in now.marks if mark.writer != writer or mark.tag not in gone)
        return replace(now, marks=marks)

    return change


def _bumping_all(epoch: bytes, over: list[Mark]) -> Callable[[State], State]:
    """Takes a number; which is that of all tags, if one of the marks was of all."""

    def change(now: State) -> State:
        if now.epoch != epoch or not set(over) & set(now.marks):
            return now
        number = now.sequence + 1
        everything = any(is_all(mark.tag) for mark in over)
        return replace(now, sequence=number, floor=number if everything else now.floor)

    return change


def _holds(state: State, stamp: Stamp, tags: list[bytes], numbers: dict[bytes, int]) -> bool:
    number = int.from_bytes(stamp[8:])
    if stamp[:8] != state.epoch or (tags and state.floor > number):
        return False
    marked = {mark.tag for mark in state.marks}
    if tags and any(map(is_all, marked)):
        return False
    return all(numbers[tag] <= number and tag not in marked for tag in tags)


def _cleared(state: State, stamp: Stamp) -> bool:
    if stamp[:8] != state.epoch:
        return state.cleared > 0
    return int.from_bytes(stamp[8:]) < state.cleared


def _number(reply: Reply) -> int:
    """A tag's number; above all, if it has no item, or one without a number yet."""
    if _sound(reply).kind != wire.VALUE or not reply.value:
        return _NONE
    return int.from_bytes(reply.value)


def _sound(reply: Reply) -> Reply:
    if reply.kind == wire.ERROR:
        raise refused(reply.error)
    return reply
