"""Tags: results in a store that stay there only as long as they are true.

A result is kept together with the names of what it was made from: its tags. Whoever changes
something bumps its tags, and every result that has one of them is no longer valid. What makes this
more than a delete is the order that it keeps, under races and under kills:

- All numbers are issued by the store, in one **sequence**. A tag's number is that of its last bump.
- A reader takes a **stamp** before it looks at what it will make the result from. The stamp is the
  sequence at that moment, and goes into the store with the result. The result is valid as long as
  no tag of it has a number above its stamp. So nothing that was loaded before a bump is valid after
  it, whenever it was stored; and the tags need not be known before the load.
- A writer **marks** its tags before COMMIT, and bumps them after it. While a tag is marked, nothing
  that has it is stored, and nothing that has it is valid: between the two, nobody can tell whether
  the change is to be seen yet.
- A mark never just goes. If its writer was killed, then whoever finds that it has been there for
  longer than a commit may take turns it into a bump, in one step.
- A tag that isn't known reads as one with the newest number that was ever forgotten. So tags may be
  forgotten: that costs hits, and never brings a result back.
- The sequence belongs to an **epoch**, which changes when the store may have lost something, marks
  above all: it was emptied, or restarted, or another server has taken its place. No result of
  another epoch is valid, and until all commits are over that may have been marked in it, no stamps
  are given out.

No wall clock takes part. What the promise rests on, and where it ends, is written down in the
documentation ("The protocol"), and its interleavings are tried exhaustively in the tests.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, Protocol

from .errors import StoreError

#: What `Tags.stamp` gives and `Tags.put` takes: epoch and sequence, 8 bytes each. Opaque to users.
Stamp = bytes

#: Seconds, by default, after which a commit that was announced by a mark is over at the latest.
COMMIT_TIMEOUT = 10.0


def seconds_of(commit_timeout: object) -> float:
    """The option `commit_timeout` of a store, as a number.

    Raises:
        StoreError: it is none, or none that makes sense.
    """
    try:
        seconds = float(commit_timeout)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise StoreError(
            "A store's option commit_timeout must be a number of seconds above 0, such as 10, and"
            f" not {commit_timeout!r}."
        )
    return seconds


class Entry(NamedTuple):
    """A result, as it lies in a store.

    Attributes:
        value: what was stored.
        tags: the names of what it was made from.
        stamp: the moment before it was loaded.
        valid: whether it is still true: no tag was bumped since, and none is marked.
        expires_in: seconds until its TTL is over, by the store's clock; None: never.
    """

    value: bytes
    tags: tuple[bytes, ...]
    stamp: Stamp
    valid: bool
    expires_in: float | None


class TagState(NamedTuple):
    """What a store knows of one tag.

    Attributes:
        number: that of its last bump; where that isn't known, the highest that it may have.
        known: whether the store remembers the tag at all.
        marks: how many writers are about to commit a change of it.
    """

    number: int
    known: bool
    marks: int


class Look(NamedTuple):
    """What a store knows of tags: for people who ask why a result is no longer valid.

    Attributes:
        stamp: the present moment.
        quiet: whether nothing may be stored just now: see `Tags.stamp`.
        tags: those that were asked for.
        remembered: how many tags the store remembers; None: nobody can tell.
        marked: how many are marked just now; None: it wasn't counted, or nobody can tell.
        results: how many results there are, also those no longer valid; None likewise.
    """

    stamp: Stamp
    quiet: bool
    tags: dict[bytes, TagState]
    remembered: int | None
    marked: int | None
    results: int | None


def number_of(stamp: Stamp) -> int:
    """The place of a stamp in the sequence of its epoch."""
    return int.from_bytes(stamp[8:16])


class Tags(Protocol):
    """Results with tags, in one store: `Store.tags`. To await, and without `look`: `AsyncTags`.

    Results have keys of their own, apart from the store's records. Keys, tags and the names of
    writers are bytes of any length. Each call raises a `StoreError` where it could not be done; one
    that raises `StoreTimeout` may have been done all the same.

    Attributes:
        commit_timeout: seconds after which a mark is over.
    """

    commit_timeout: float

    def stamp(self) -> Stamp | None:
        """The present moment: take it before the snapshot that will be read from.

        None: nothing may be stored now, for the store may have lost marks; it was emptied,
        restarted or replaced, or is used for the first time. That lasts for `commit_timeout`
        seconds, from when a process that lives as long as that first looked. An embedded store in
        a new directory begins at once.
        """
        ...

    def put(
        self,
        key: bytes,
        value: bytes,
        ttl: float | None,
        stamp: Stamp,
        tags: Collection[bytes],
    ) -> bool:
        """Store a result that was loaded after *stamp* was taken, if it is valid now.

        Args:
            key: its name.
            value: the result.
            ttl: seconds; None: until it is deleted, or evicted.
            stamp: from `stamp`.
            tags: of all that it was made from. None at all: it is valid until its TTL is over.

        Returns:
            False: one of the tags was bumped since, or is marked, or the epoch is another. What
            was there is there still.
        """
        ...

    def get(self, key: bytes) -> Entry | None:
        """The result, also one that is no longer valid. One round trip; two in a cluster."""
        ...

    def get_many(self, keys: Collection[bytes]) -> dict[bytes, Entry]:
        """Those that there are, as by `get`."""
        ...

    def valid(self, stamp: Stamp, tags: Collection[bytes]) -> bool:
        """Whether a result with this stamp and these tags is valid: for those kept elsewhere."""
        ...

    def sequence(self) -> bytes:
        """Changes whenever a tag of this store does: while it stays, what was valid is valid.

        One read of the embedded store's memory, one round trip to others. Take it before asking
        `valid`.
        """
        ...

    def mark(self, tags: Collection[bytes], writer: bytes) -> None:
        """Announce a change of *tags*: to be called just before COMMIT, after all was written.

        From now on nothing that has one of them is valid, or is stored, until *writer* bumps or
        unmarks them, or `commit_timeout` seconds are over. Raises, and then the COMMIT must not go
        ahead, if the store does not acknowledge it.

        Args:
            tags: what is being changed.
            writer: names this transaction; no other may have the same name.
        """
        ...

    def bump(self, tags: Collection[bytes], writer: bytes | None = None) -> None:
        """Nothing that has one of *tags* and was loaded until now is valid any more.

        Args:
            tags: what was changed.
            writer: whose marks end with it. None: there are none; an invalidation by hand.
        """
        ...

    def unmark(self, tags: Collection[bytes], writer: bytes) -> None:
        """Take the marks back: nothing was changed, for certain. What was valid is valid again.

        Where it isn't known whether a COMMIT went through, `bump`.
        """
        ...

    def delete(self, key: bytes) -> bool:
        """Delete a result; whether there was one. One that is being loaded is stored after it."""
        ...

    def clear(self) -> None:
        """Delete all results. Tags and marks stay."""
        ...

    def look(self, tags: Collection[bytes], *, count: bool = False) -> Look:
        """What there is to say about tags, for people. Not for programs: it is no protocol.

        Args:
            tags: whose numbers are wanted.
            count: whether to go through all results and tags, where counting them takes that.
        """
        ...


class AsyncTags(Protocol):
    """`Tags`, to be awaited: `AsyncStore.tags`."""

    commit_timeout: float

    async def stamp(self) -> Stamp | None:
        """See `Tags.stamp`."""
        ...

    async def put(
        self,
        key: bytes,
        value: bytes,
        ttl: float | None,
        stamp: Stamp,
        tags: Collection[bytes],
    ) -> bool:
        """See `Tags.put`."""
        ...

    async def get(self, key: bytes) -> Entry | None:
        """See `Tags.get`."""
        ...

    async def get_many(self, keys: Collection[bytes]) -> dict[bytes, Entry]:
        """See `Tags.get_many`."""
        ...

    async def valid(self, stamp: Stamp, tags: Collection[bytes]) -> bool:
        """See `Tags.valid`."""
        ...

    async def sequence(self) -> bytes:
        """See `Tags.sequence`."""
        ...

    async def mark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.mark`."""
        ...

    async def bump(self, tags: Collection[bytes], writer: bytes | None = None) -> None:
        """See `Tags.bump`."""
        ...

    async def unmark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.unmark`."""
        ...

    async def delete(self, key: bytes) -> bool:
        """See `Tags.delete`."""
        ...

    async def clear(self) -> None:
        """See `Tags.clear`."""
        ...
