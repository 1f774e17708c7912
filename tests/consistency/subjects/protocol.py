"""Our protocol alone, spelled out by hand, with a tag for each slot."""

import pickle
import threading

from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from holdfast.stores import Store, open_store
from tests.consistency import worker
from tests.consistency.library.queries import Words
from tests.consistency.readings import READINGS
from tests.consistency.subjects import stamping, steps_of_tags
from tests.consistency.subjects.settings import TTL
from tests.consistency.subjects.subject import Subject


class _Begun(threading.local):
    """What was taken at BEGIN: under REPEATABLE READ, a snapshot may be as old."""

    stamp: bytes | None = None


def prepare(name: str) -> Subject:
    # Opened lazily, so after the fork.
    store: Store = open_store(
        settings.CONSISTENCY_STORE,
        purpose="cache",
        commit_timeout=settings.COMMIT_TIMEOUT,
    )
    begun = _Begun()
    tags_of = {
        (reading.name, number): [b"%d" % slot for slot in reading.shown(number)]
        for reading in READINGS.values()
        for number in range(reading.calls)
    }

    set_autocommit, commit = BaseDatabaseWrapper.set_autocommit, BaseDatabaseWrapper._commit

    def begin(self: BaseDatabaseWrapper, autocommit: bool, **options: bool) -> None:  # noqa: FBT001
        if not autocommit:
            begun.stamp = store.tags.stamp()
        set_autocommit(self, autocommit, **options)

    def two_phases(self: BaseDatabaseWrapper) -> None:
        hold = worker._writing.hold
        if hold is None or not hold.written:
            commit(self)
            return
        tags, writer = [b"%d" % slot for slot in hold.written], _name()
        store.tags.mark(tags, writer)
        try:
            commit(self)
        finally:
            store.tags.bump(tags, writer)

    BaseDatabaseWrapper.set_autocommit, BaseDatabaseWrapper._commit = begin, two_phases
    steps_of_tags.watch(type(store.tags))

    def read(name: str, number: int) -> Words:
        hold = worker._writing.hold
        tags = tags_of[name, number]
        if hold is not None and hold.written and connection.in_atomic_block:
            return READINGS[name].query(number)
        key = f"{name}:{number}".encode()
        entry = store.tags.get(key)
        if entry is not None and entry.valid:
            return pickle.loads(entry.value)  # noqa: S301 - our own
        earlier = connection.in_atomic_block and stamping.at_begin
        stamp = begun.stamp if earlier else store.tags.stamp()
        words = READINGS[name].query(number)
        steps_of_tags.reached("loaded")
        if stamp is not None:
            store.tags.put(key, pickle.dumps(words), TTL, stamp, tags)
        return words

    # A change outside of a transaction would need its tags before it is made, page the shelf's.
    return Subject(
        read,
        type(store.tags),
        envelopes=("atomic", "durable", "both", "on_commit", "rolled_back", "inner_rolled_back"),
    )


_count = 0


def _name() -> bytes:
    global _count
    _count += 1
    return b"%d %d" % (threading.get_native_id(), _count)
