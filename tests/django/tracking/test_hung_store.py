"""A real Redis that stops answering just around COMMIT: what is served then, and afterwards.

On SQLite, as this is where one statement of autocommit takes both phases.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from holdfast import configuration, named_stores
from holdfast.cache import loader
from holdfast.django.tracking import outbox
from holdfast.django.tracking.counters import events
from holdfast.django.tracking.errors import WriteNotAnnounced
from holdfast.stores.errors import StoreTimeout
from tests.django.tracking.shop.models import Tag
from tests.django.tracking.test_transactions import in_thread
from tests.services.redis import RedisServer, running_redis

pytestmark = pytest.mark.needs("redis")

TIMEOUT, COMMIT_TIMEOUT = 0.2, 0.5


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def on_outage() -> str:
    """How it is set; a test that is about that chooses."""
    return "strict"


@pytest.fixture
def server(
    on_outage: str, on_sqlite: None, redis: RedisServer, monkeypatch: Any
) -> Iterator[RedisServer]:
    configuration.apply(
        {
            "CACHE": {
                "TRACKING": True,
                "COMMIT_TIMEOUT": COMMIT_TIMEOUT,
                "ON_OUTAGE": on_outage,
            },
            "STORES": {"cache": {"URL": redis.url, "TIMEOUT": TIMEOUT}},
        }
    )
    monkeypatch.setattr(outbox, "_outage_until", 0.0)
    # Replayed here, and not by a thread that outlives the test.
    monkeypatch.setattr(outbox, "replay_soon", lambda alias: None)
    redis.ask("FLUSHALL")
    wait_until(lambda: named_stores.store("cache").tags.stamp() is not None)
    yield redis
    redis.go_on()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it doesn't come to that"
        time.sleep(0.02)


class around:  # noqa: N801 - reads as a statement
    """Call *before* before the next UPDATE is executed, and *after* after it."""

    def __init__(self, before: Callable[[], Any] = bool, after: Callable[[], Any] = bool) -> None:
        self._before, self._after = before, after

    def __enter__(self) -> None:
        # Inside of the tracking: what the store has to be told before was told.
        connection.execute_wrappers.append(self._execute)

    def __exit__(self, *raised: object) -> None:
        connection.execute_wrappers.remove(self._execute)

    def _execute(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        if not sql.startswith("UPDATE"):
            return execute(sql, params, many, context)
        self._before()
        result = execute(sql, params, many, context)
        self._after()
        return result


@pytest.fixture
def name(server: RedisServer, counted: Any) -> Any:
    red = Tag.objects.create(name="red")
    made = counted(lambda: Tag.objects.values_list("name", flat=True).get(pk=red.pk))
    made.pk = red.pk
    return made


def rename(name: Any, to: str) -> None:
    Tag.objects.filter(pk=name.pk).update(name=to)


def comes_back(server: RedisServer, name: Any) -> None:
    """The store answers again: from the first answer on, nothing is served but what is true."""
    server.go_on()
    over = threading.Event()
    wrong = []

    def read_on() -> None:
        while not over.is_set():
            if (found := name()) != "blue":
                wrong.append(found)

    readers = [threading.Thread(target=in_thread, args=(read_on,)) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        wait_until(lambda: not loader()._fetching.circuit.open)
        wait_until(name.is_kept)
    finally:
        over.set()
        for reader in readers:
            reader.join()
    assert not wrong
    assert name() == name.read() == "blue"


def test_a_save_whose_bump_is_not_answered_is_made_and_seen(server, name):
    with around(server.hang):  # it was told before the statement, and can't be afterwards
        rename(name, "blue")
    assert events.snapshot()["bump_failed"] >= 1
    assert in_thread(name) == name() == "blue"
    comes_back(server, name)


def test_a_transaction_whose_bump_is_not_answered_is_made_and_seen(server, name):
    tags = type(named_stores.store("cache").tags)
    mark = tags.mark

    def mark_and_hang(self: Any, *args: Any) -> None:
        mark(self, *args)
        server.hang()

    with pytest.MonkeyPatch.context() as patch, transaction.atomic():
        patch.setattr(tags, "mark", mark_and_hang)
        rename(name, "blue")
        transaction.on_commit(patch.undo)
    assert in_thread(name) == name() == "blue"
    comes_back(server, name)


@pytest.mark.parametrize("on_outage", ["strict", "outbox"])
def test_a_mark_that_comes_late_holds_nothing_up_for_good(on_outage, server, name):
    """The server does what it was asked for when it goes on, whoever waits no longer."""
    server.hang()
    if on_outage == "strict":
        with pytest.raises(WriteNotAnnounced):
            rename(name, "blue")
        assert name.read() == "red"
        server.go_on()
        assert in_thread(name) == name() == "red"
        rename(name, "blue")
    else:
        rename(name, "blue")
        assert outbox.pending() == 1
        server.go_on()
        # Until it is replayed it may be old: that is what the outbox costs, and the docs say.
        wait_until(lambda: named_stores.store("cache").tags.stamp() is not None)
        assert outbox.replay() == 1
    assert in_thread(name) == name() == "blue"
    comes_back(server, name)


def test_a_bump_that_is_lost_after_a_commit_that_outlasted_its_marks_is_made_later(
    server, name, monkeypatch
):
    tags = type(named_stores.store("cache").tags)
    bump, lost = tags.bump, []

    def lose(self: Any, *args: Any) -> None:
        if not lost:
            lost.append(args)
            raise StoreTimeout("no answer")
        bump(self, *args)

    def wait_for_long() -> None:
        """Until the marks' time is over, and somebody keeps what is there still."""
        time.sleep(COMMIT_TIMEOUT + 0.05)
        wait_until(lambda: in_thread(name.is_kept))
        monkeypatch.setattr(tags, "bump", lose)

    in_thread(name)
    with around(before=lambda: (in_thread(name), wait_for_long())):
        rename(name, "blue")
    assert lost
    wait_until(lambda: name() == name.read() == "blue")
