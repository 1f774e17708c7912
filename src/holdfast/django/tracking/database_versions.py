"""Tags in the application's own database: `HOLDFAST["CACHE"]["VERSIONS"] = "database"`.

The numbers of the tags are bumped in the same transaction as the change itself, so that nothing can
come between the two: no mark is needed, and no store has to answer for a COMMIT to go ahead. The
results stay in the store. Each hit asks the database whether it is true still.

One row holds the sequence. It is the last thing that a transaction changes, and stays locked until
its COMMIT is done: so numbers are given in the order of the commits, and commits that were tracked
follow one another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from struct import Struct
from typing import Any

from asgiref.sync import sync_to_async
from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ... import named_stores
from ...stores.errors import StoreUnavailable
from ...stores.protocol import Store
from ...stores.tags import Entry, Look, Stamp, TagState
from . import switch
from .names import identity_of

#: The database whose tags are kept in it. Those of others go by the store.
ALIAS = "default"

_TABLES = ("holdfast_sequence", "holdfast_version")
_NUMBER = Struct(">Q")
_LENGTH = Struct(">I")
#: Parameters of one statement that all databases allow.
_STEP = 400


def digests(tags: Collection[bytes]) -> list[str]:
    """What tags are called in the database: as long as one another, in one order for all."""
    return sorted(blake2b(tag, digest_size=16).hexdigest() for tag in tags)


class DatabaseVersions:
    """The numbers of tags, in one database."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        #: Databases that have the tables.
        self._there: set[str] = set()

    @property
    def prefix(self) -> bytes:
        """What the names of its tags begin with."""
        return f"d:{identity_of(connections[self._alias])}/".encode()

    def is_for(self, connection: BaseDatabaseWrapper) -> bool:
        """Whether what is written on *connection* is told here."""
        return identity_of(connection) == identity_of(connections[self._alias])

    def bump_within(self, connection: BaseDatabaseWrapper, tags: Collection[bytes]) -> set[bytes]:
        """Bump, as the last thing that the open transaction does. Returns tags of other places."""
        prefix = self.prefix
        ours = {tag for tag in tags if tag.startswith(prefix)}
        if prefix in ours:
            # It has made, or dropped, tables.
            self._there.discard(identity_of(connection))
        # Before the first `migrate` is over nothing was kept that could become untrue.
        if ours and self._is_there(connection):
            with connection.wrap_database_errors, _cursor(connection) as cursor:
                if connection.vendor == "postgresql":
                    # What COMMIT would wait for is waited for now, without the lock below.
                    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                self._bump(connection, cursor, digests(ours))
        return set(tags) - ours

    def _is_there(self, connection: BaseDatabaseWrapper) -> bool:
        """Whether the database has the tables: asked until it has."""
        identity = identity_of(connection)
        if identity not in self._there:
            # Not by trying: on PostgreSQL, that would break the transaction.
            with connection.wrap_database_errors, _cursor(connection) as cursor:
                names = set(connection.introspection.table_names(cursor))
            if not names.issuperset(_TABLES):
                return False
            self._there.add(identity)
        return True

    def _check(self, connection: BaseDatabaseWrapper) -> None:
        if not self._is_there(connection):
            raise StoreUnavailable(
                "The versions in the database have no tables yet, so nothing is cached. Run"
                " manage.py migrate holdfast."
            )

    @staticmethod
    def _bump(connection: BaseDatabaseWrapper, cursor: Any, names: list[str]) -> None:
        cursor.execute("UPDATE holdfast_sequence SET number = number + 1 WHERE id = 1")
        if cursor.rowcount == 0:
            cursor.execute("INSERT INTO holdfast_sequence (id, number) VALUES (1, 1)")
        cursor.execute("SELECT number FROM holdfast_sequence WHERE id = 1")
        number = cursor.fetchone()[0]
        resolve = (
            "ON DUPLICATE KEY UPDATE number = VALUES(number)"
            if connection.vendor == "mysql"
            else "ON CONFLICT (tag) DO UPDATE SET number = excluded.number"
        )
        for start in range(0, len(names), _STEP):
            step = names[start : start + _STEP]
            rows = ", ".join(["(%s, %s)"] * len(step))
            cursor.execute(
                f"INSERT INTO holdfast_version (tag, number) VALUES {rows} {resolve}",  # noqa: S608
                [value for name in step for value in (name, number)],
            )

    def bump(self, tags: Collection[bytes]) -> None:
        """Bump by hand, in a transaction of its own."""
        connection: Any = connections[self._alias]
        with _asking():
            connection.ensure_connection()
            self._check(connection)
            if not connection.get_autocommit():
                with _cursor(connection) as cursor:
                    self._bump(connection, cursor, digests(tags))
                return
            connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
            try:
                with _cursor(connection) as cursor:
                    self._bump(connection, cursor, digests(tags))
                connection.commit()
            except BaseException:
                connection.rollback()
                raise
            finally:
                connection.set_autocommit(True)

    def number(self) -> int:
        """The sequence, as this connection sees it: in a snapshot, that of the snapshot."""
        with _asking():
            connection = connections[self._alias]
            connection.ensure_connection()
            self._check(connection)
            with _cursor(connection) as cursor:
                cursor.execute("SELECT number FROM holdfast_sequence WHERE id = 1")
                row = cursor.fetchone()
                return int(row[0]) if row else 0

    def are_at_most(self, number: int, tags: Collection[bytes]) -> bool:
        """Whether no tag was bumped after *number*."""
        names = digests(tags)
        with _asking():
            connection = connections[self._alias]
            connection.ensure_connection()
            self._check(connection)
            with _cursor(connection) as cursor:
                for start in range(0, len(names), _STEP):
                    step = names[start : start + _STEP]
                    marks = ", ".join(["%s"] * len(step))
                    cursor.execute(
                        f"SELECT 1 FROM holdfast_version WHERE tag IN ({marks})"  # noqa: S608
                        " AND number > %s LIMIT 1",
                        [*step, number],
                    )
                    if cursor.fetchone() is not None:
                        return False
        return True

    def numbers(self, tags: Collection[bytes]) -> dict[bytes, int]:
        """Those of the tags that were ever bumped."""
        named = {blake2b(tag, digest_size=16).hexdigest(): tag for tag in tags}
        names, found = list(named), {}
        with _asking():
            connection = connections[self._alias]
            connection.ensure_connection()
            self._check(connection)
            with _cursor(connection) as cursor:
                for start in range(0, len(names), _STEP):
                    step = names[start : start + _STEP]
                    marks = ", ".join(["%s"] * len(step))
                    cursor.execute(
                        f"SELECT tag, number FROM holdfast_version WHERE tag IN ({marks})",  # noqa: S608
                        step,
                    )
                    found.update({named[tag]: int(number) for tag, number in cursor.fetchall()})
        return found


@contextmanager
def _cursor(connection: BaseDatabaseWrapper) -> Iterator[Any]:
    """A cursor that the tracking doesn't see."""
    cursor: Any = connection.create_cursor()
    try:
        yield cursor
    finally:
        cursor.close()


@contextmanager
def _asking() -> Iterator[None]:
    """To who asks for a cached result, a database that doesn't answer is a store that doesn't."""
    try:
        with connections[ALIAS].wrap_database_errors:
            yield
    except Error as error:
        raise StoreUnavailable(f"The versions in the database can't be read: {error}") from error


class _Packing:
    """What the two faces of the tags have in common."""

    def __init__(self, inner: Any, versions: DatabaseVersions) -> None:
        self._inner = inner
        self._versions = versions
        self.commit_timeout = inner.commit_timeout

    def _split(self, tags: Collection[bytes]) -> tuple[list[bytes], list[bytes]]:
        """Tags of the database, and others."""
        prefix = self._versions.prefix
        ours = [tag for tag in tags if tag.startswith(prefix)]
        return ours, [tag for tag in tags if not tag.startswith(prefix)]

    @staticmethod
    def _pack(value: bytes, number: bytes, ours: list[bytes]) -> bytes:
        parts = [number, _LENGTH.pack(len(ours))]
        for tag in ours:
            parts += (_LENGTH.pack(len(tag)), tag)
        return b"".join((*parts, value))

    @staticmethod
    def _unpack(entry: Entry) -> tuple[Entry, int, list[bytes]]:
        packed = entry.value
        (number,) = _NUMBER.unpack_from(packed)
        (count,) = _LENGTH.unpack_from(packed, 8)
        place = 12
        ours = []
        for _ in range(count):
            (length,) = _LENGTH.unpack_from(packed, place)
            ours.append(packed[place + 4 : place + 4 + length])
            place += 4 + length
        stamp = entry.stamp + packed[:8]
        made = Entry(packed[place:], (*entry.tags, *ours), stamp, entry.valid, entry.expires_in)
        return made, number, ours

    @staticmethod
    def _judged(entry: Entry, *, is_true: bool) -> Entry:
        if is_true or not entry.valid:
            return entry
        return Entry(entry.value, entry.tags, entry.stamp, False, entry.expires_in)


class DatabaseTags(_Packing):
    """`Tags` whose numbers are in the database, and whose results are in the store."""

    def stamp(self) -> Stamp | None:
        """See `Tags.stamp`."""
        stamp: Stamp | None = self._inner.stamp()
        return None if stamp is None else stamp + _NUMBER.pack(self._versions.number())

    def put(
        self, key: bytes, value: bytes, ttl: float | None, stamp: Stamp, tags: Collection[bytes]
    ) -> bool:
        """See `Tags.put`."""
        ours, others = self._split(tags)
        (number,) = _NUMBER.unpack(stamp[-8:])
        if not self._versions.are_at_most(number, ours):
            return False
        packed = self._pack(value, stamp[-8:], ours)
        stored: bool = self._inner.put(key, packed, ttl, stamp[:-8], others)
        return stored

    def get(self, key: bytes) -> Entry | None:
        """See `Tags.get`."""
        found = self._inner.get(key)
        return None if found is None else self._checked(found)

    def _checked(self, found: Entry) -> Entry:
        entry, number, ours = self._unpack(found)
        return self._judged(
            entry, is_true=not entry.valid or self._versions.are_at_most(number, ours)
        )

    def get_many(self, keys: Collection[bytes]) -> dict[bytes, Entry]:
        """See `Tags.get_many`."""
        return {key: self._checked(found) for key, found in self._inner.get_many(keys).items()}

    def valid(self, stamp: Stamp, tags: Collection[bytes]) -> bool:
        """See `Tags.valid`."""
        ours, others = self._split(tags)
        (number,) = _NUMBER.unpack(stamp[-8:])
        return self._inner.valid(stamp[:-8], others) and self._versions.are_at_most(number, ours)

    def sequence(self) -> bytes:
        """See `Tags.sequence`. One query."""
        sequence: bytes = self._inner.sequence()
        return sequence + _NUMBER.pack(self._versions.number())

    def mark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.mark`. Those of the database need none."""
        self._inner.mark(self._split(tags)[1], writer)

    def bump(self, tags: Collection[bytes], writer: bytes | None = None) -> None:
        """See `Tags.bump`."""
        ours, others = self._split(tags)
        if ours:
            self._versions.bump(ours)
        if others:
            self._inner.bump(others, writer)

    def unmark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.unmark`."""
        self._inner.unmark(self._split(tags)[1], writer)

    def delete(self, key: bytes) -> bool:
        """See `Tags.delete`."""
        deleted: bool = self._inner.delete(key)
        return deleted

    def clear(self) -> None:
        """See `Tags.clear`."""
        self._inner.clear()

    def look(self, tags: Collection[bytes], *, count: bool = False) -> Look:
        """See `Tags.look`. A tag that the database doesn't have was never changed."""
        ours, others = self._split(tags)
        found: Look = self._inner.look(others, count=count)
        numbers = self._versions.numbers(ours)
        states = {tag: TagState(numbers.get(tag, 0), tag in numbers, 0) for tag in ours}
        stamp = found.stamp + _NUMBER.pack(self._versions.number())
        return found._replace(stamp=stamp, tags={**found.tags, **states})


class AsyncDatabaseTags(_Packing):
    """`DatabaseTags`, to be awaited. The database is asked in the thread that Django has for it."""

    async def _ask(self, question: Callable[..., Any], *args: Any) -> Any:
        return await sync_to_async(question)(*args)

    async def stamp(self) -> Stamp | None:
        """See `Tags.stamp`."""
        stamp: Stamp | None = await self._inner.stamp()
        if stamp is None:
            return None
        return stamp + _NUMBER.pack(await self._ask(self._versions.number))

    async def put(
        self, key: bytes, value: bytes, ttl: float | None, stamp: Stamp, tags: Collection[bytes]
    ) -> bool:
        """See `Tags.put`."""
        ours, others = self._split(tags)
        (number,) = _NUMBER.unpack(stamp[-8:])
        if not await self._ask(self._versions.are_at_most, number, ours):
            return False
        packed = self._pack(value, stamp[-8:], ours)
        stored: bool = await self._inner.put(key, packed, ttl, stamp[:-8], others)
        return stored

    async def get(self, key: bytes) -> Entry | None:
        """See `Tags.get`."""
        found = await self._inner.get(key)
        return None if found is None else await self._checked(found)

    async def _checked(self, found: Entry) -> Entry:
        entry, number, ours = self._unpack(found)
        is_true = not entry.valid or await self._ask(self._versions.are_at_most, number, ours)
        return self._judged(entry, is_true=is_true)

    async def get_many(self, keys: Collection[bytes]) -> dict[bytes, Entry]:
        """See `Tags.get_many`."""
        found = await self._inner.get_many(keys)
        return {key: await self._checked(entry) for key, entry in found.items()}

    async def valid(self, stamp: Stamp, tags: Collection[bytes]) -> bool:
        """See `Tags.valid`."""
        ours, others = self._split(tags)
        (number,) = _NUMBER.unpack(stamp[-8:])
        if not await self._inner.valid(stamp[:-8], others):
            return False
        return bool(await self._ask(self._versions.are_at_most, number, ours))

    async def sequence(self) -> bytes:
        """See `Tags.sequence`."""
        sequence: bytes = await self._inner.sequence()
        return sequence + _NUMBER.pack(await self._ask(self._versions.number))

    async def mark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.mark`."""
        await self._inner.mark(self._split(tags)[1], writer)

    async def bump(self, tags: Collection[bytes], writer: bytes | None = None) -> None:
        """See `Tags.bump`."""
        ours, others = self._split(tags)
        if ours:
            await self._ask(self._versions.bump, ours)
        if others:
            await self._inner.bump(others, writer)

    async def unmark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.unmark`."""
        await self._inner.unmark(self._split(tags)[1], writer)

    async def delete(self, key: bytes) -> bool:
        """See `Tags.delete`."""
        deleted: bool = await self._inner.delete(key)
        return deleted

    async def clear(self) -> None:
        """See `Tags.clear`."""
        await self._inner.clear()


class _Replaced:
    """A store with other tags.

    Attributes:
        local: False: who takes short ways to a store of this machine must not take them to the
            database.
    """

    local = False

    def __init__(self, store: Any, tags: Any) -> None:
        self._store = store
        self.tags = tags

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def _replace(name: str, store: Store) -> Store:
    """Have a store, which was just opened, ask the database."""
    versions = switch.in_database
    if name != named_stores.CACHE or versions is None:
        return store
    found: Any = store
    replaced: Any = _Replaced(found, DatabaseTags(found.tags, versions))
    asynchronous = found.asynchronous
    async_tags = AsyncDatabaseTags(asynchronous.tags, versions)
    replaced.asynchronous = _Replaced(asynchronous, async_tags)
    made: Store = replaced
    return made


def use(*, wanted: bool) -> None:
    """Keep tags in the database, or don't, from the next opening of the store on."""
    switch.in_database = DatabaseVersions(ALIAS) if wanted else None
    if wanted and _replace not in named_stores.on_open:
        named_stores.on_open.append(_replace)
    opened = named_stores.forget(named_stores.CACHE)
    if opened is not None:
        opened.close()
