"""What a transaction writes makes results untrue with its COMMIT: not before, and not after."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from contextvars import Context
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import IntegrityError, OperationalError, connection, connections, transaction

from holdfast import named_stores
from holdfast.cache import cached
from holdfast.cache import invalidate as invalidate_tags
from holdfast.cache.consistency import consistency
from holdfast.django import invalidate
from holdfast.django.tracking import drivers, switch
from holdfast.django.tracking.hooks import tracked
from holdfast.stores.errors import StoreUnavailable
from tests.django.tracking.shop.models import Article, Author, Tag


@pytest.fixture
def red() -> Tag:
    return Tag.objects.create(name="red")


@pytest.fixture
def name(shop, red, counted) -> Any:
    """A cached function that reads the name of one row."""
    return counted(lambda: Tag.objects.values_list("name", flat=True).get(pk=red.pk))


def rename(red: Tag, name: str) -> None:
    Tag.objects.filter(pk=red.pk).update(name=name)


def in_thread(function: Any) -> Any:
    """What another thread, with a connection of its own, gets."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(function())
        except Exception as error:
            results.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    if isinstance(results[0], Exception):
        raise results[0]
    return results[0]


class StopError(Exception):
    pass


@contextmanager
def rolled_back() -> Iterator[None]:
    with pytest.raises(StopError), transaction.atomic():  # noqa: PT012 - what is rolled back
        yield
        raise StopError


def test_nobody_else_sees_what_is_not_committed(name, red):
    with transaction.atomic():
        rename(red, "blue")
        assert in_thread(name) == "red"
    assert in_thread(name) == "blue"


def test_the_transaction_sees_its_own_writes_and_keeps_nothing_of_them(name, red):
    with rolled_back():
        rename(red, "blue")
        assert name() == "blue"
        assert name() == "blue"
    before = name.loads
    assert name() == "red"
    assert name.loads == before  # what was kept before is true still


def test_what_was_written_before_a_savepoint_stays_written(name, red):
    with transaction.atomic():
        rename(red, "blue")
        with rolled_back():
            rename(red, "green")
        assert name() == "blue"
    assert not name.is_kept()
    assert name() == "blue"


def test_what_a_savepoint_took_back_makes_nothing_untrue(name, red):
    with transaction.atomic():
        with rolled_back():
            rename(red, "blue")
        assert name.is_kept()
    assert name.is_kept()


def test_what_a_released_savepoint_wrote_is_written(name, red):
    with transaction.atomic(), transaction.atomic():
        rename(red, "blue")
    assert not name.is_kept()


def test_an_error_in_a_savepoint_that_is_caught(name, red):
    Author.objects.create(pk=1, name="Ann")
    with transaction.atomic():
        with pytest.raises(IntegrityError), transaction.atomic():  # noqa: PT012
            rename(red, "blue")
            Author.objects.bulk_create([Author(pk=1, name="x")])
        assert name.is_kept()
    assert name.is_kept()


def test_a_statement_that_fails_in_autocommit_makes_nothing_untrue(name, red):
    Article.objects.create(author=Author.objects.create(), slug="one")
    with pytest.raises(IntegrityError):
        Tag.objects.bulk_create([Tag(pk=red.pk, name="x")])
    assert name.is_kept()


def test_callbacks_of_on_commit_find_it_done(name, red):
    seen = []
    with transaction.atomic():
        rename(red, "blue")
        transaction.on_commit(lambda: seen.append(in_thread(name)))
    assert seen == ["blue"]


def test_manual_transactions(name, red):
    transaction.set_autocommit(False)
    try:
        rename(red, "blue")
        assert in_thread(name) == "red"
        transaction.commit()
        assert in_thread(name) == "blue"
        rename(red, "green")
        transaction.rollback()
        assert in_thread(name) == "blue"
    finally:
        transaction.set_autocommit(True)
    assert name.is_kept()


def test_begin_and_commit_by_sql(name, red):
    cursor = connection.cursor()
    cursor.execute("BEGIN")
    rename(red, "blue")
    assert in_thread(name) == "red"
    cursor.execute("COMMIT")
    assert in_thread(name) == "blue"
    cursor.execute("BEGIN")
    rename(red, "green")
    assert name() == "green"
    cursor.execute("ROLLBACK")
    assert in_thread(name) == "blue"
    assert not switch_is_restricted()


def test_savepoints_by_sql(name, red):
    cursor = connection.cursor()
    with transaction.atomic():
        cursor.execute("SAVEPOINT mine")
        rename(red, "blue")
        cursor.execute("ROLLBACK TO SAVEPOINT mine")
        cursor.execute("RELEASE SAVEPOINT mine")
    assert name.is_kept()


def switch_is_restricted() -> bool:
    from holdfast.cache import consistency as consistencies

    return consistencies.consistency.restricts != 0


def test_hits_ask_nothing_of_transactions_once_all_are_over(name, red):
    with transaction.atomic():
        rename(red, "blue")
        assert switch_is_restricted()
        with rolled_back():
            rename(red, "green")
    with rolled_back():
        rename(red, "green")
    assert not switch_is_restricted()


def test_a_connection_closed_in_a_transaction_takes_its_writes_along(name, red):
    with transaction.atomic():
        rename(red, "blue")
        connection.close()
    assert not switch_is_restricted()
    assert name.is_kept()


def test_a_result_loaded_while_a_writer_commits_is_not_kept(shop, red, counted):
    """The race that breaks "delete after commit": read, then a commit, then store."""
    read, committed = threading.Event(), threading.Event()

    def slow() -> str:
        found = Tag.objects.get(pk=red.pk).name
        read.set()
        assert committed.wait(10)
        return found

    load = counted(lambda: Tag.objects.get(pk=red.pk).name)
    invalidate(red)
    load.read = slow
    thread = threading.Thread(target=lambda: (load(), connections.close_all()))
    thread.start()
    assert read.wait(10)
    with transaction.atomic():
        rename(red, "blue")
    committed.set()
    thread.join(10)
    load.read = lambda: Tag.objects.get(pk=red.pk).name
    assert load() == "blue"


def test_between_mark_and_commit_nobody_is_served(name, red, monkeypatch):
    """The window that "bump after commit" leaves open."""
    seen = []
    known = tracked(connection)
    real = known.commit_around

    def watching(here: Any, commit: Any) -> Any:
        def and_look() -> Any:
            result = commit()
            seen.append(in_thread(name))
            return result

        return real(here, and_look)

    monkeypatch.setattr(known, "commit_around", watching)
    with transaction.atomic():
        rename(red, "blue")
    assert seen == ["blue"]


def test_an_unknown_outcome_leaves_the_marks(name, red, monkeypatch):
    known = tracked(connection)
    monkeypatch.setattr(drivers, "was_refused", lambda *_: False)
    with transaction.atomic():
        rename(red, "blue")

        def lost() -> None:
            raise OperationalError("server closed the connection unexpectedly")

        with pytest.raises(OperationalError):
            known.commit_around(connection, lost)
    before = name.loads
    name()
    name()
    assert name.loads == before + 2  # neither found nor kept, until it is over


def test_a_refused_commit_makes_nothing_untrue(on_postgres, red, counted):
    name = counted(lambda: Tag.objects.get(pk=red.pk).name)
    with pytest.raises(IntegrityError), transaction.atomic():  # noqa: PT012
        rename(red, "blue")
        with connection.cursor() as cursor:  # its constraint is checked by COMMIT
            cursor.execute(
                "INSERT INTO shop_comment (article_id, text) VALUES (%s, %s)", [-1, "lost"]
            )
    assert name.is_kept()
    assert name() == "red"


# Snapshots


def test_a_snapshot_older_than_the_stamp_is_not_stored(shop, red, counted):
    """A transaction that has read goes on reading what was true then."""
    load = counted(lambda: Tag.objects.get(pk=red.pk).name)
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert Tag.objects.get(pk=red.pk).name == "red"
        in_thread(lambda: rename(red, "blue"))
        assert load() == "red"  # as all that it reads
    assert load() == "blue"


def test_a_transaction_in_a_snapshot_keeps_what_it_loads(shop, red, counted):
    load = counted(lambda: Tag.objects.get(pk=red.pk).name)
    invalidate(red)
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert Author.objects.count() == 0
        load()
    assert load.is_kept()


def test_a_stamp_that_was_taken_without_knowing_of_the_snapshot_is_of_no_use(shop, red, counted):
    """As where async code asks, in another thread than the one that the transaction is in."""
    load = counted(lambda: Tag.objects.get(pk=red.pk).name)
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert Tag.objects.get(pk=red.pk).name == "red"
        in_thread(lambda: rename(red, "blue"))
        assert Context().run(load) == "red"
    assert load() == "blue"


def test_rows_being_fetched_on_sqlite_hold_an_old_snapshot(on_sqlite, red, counted):
    Tag.objects.create(name="other")
    load = counted(lambda: Tag.objects.get(pk=red.pk).name)
    rows = Tag.objects.order_by("pk").iterator(chunk_size=1)
    next(rows)
    in_thread(lambda: rename(red, "blue"))
    load()
    list(rows)
    assert load() == "blue"


def test_rows_fetched_while_others_are_read_are_no_hindrance(shop, red, counted):
    Tag.objects.create(name="other")

    def read() -> list[int]:
        return [
            Tag.objects.filter(name=tag.name).count()
            for tag in Tag.objects.order_by("pk").iterator(chunk_size=1)
        ]

    assert counted(read).is_kept()


# By hand


def test_by_hand_in_a_transaction_it_holds_with_commit(name, red):
    with transaction.atomic():
        Tag.objects.count()
        invalidate(red)
        before = name.loads
        name()
        assert name.loads == before + 1
        assert in_thread(lambda: name.loads) == before + 1
    assert not name.is_kept()
    with rolled_back():
        Tag.objects.count()
        invalidate(red)
    assert name.is_kept()


def test_tags_of_users_wait_for_commit_too(name, red):
    with transaction.atomic():
        Tag.objects.count()
        invalidate_tags("anything")
        assert consistency is not None
    assert name.is_kept()


def test_by_hand_before_anything_was_executed_it_holds_with_commit_too(name, red):
    """What is changed next, past Django, is seen by nobody until then."""
    with transaction.atomic():
        invalidate(red)
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute("UPDATE shop_tag SET name = 'blue'")
        assert in_thread(name) == "red"
    assert name() == "blue"


def test_what_is_no_model_is_refused(shop):
    with pytest.raises(TypeError, match=r"holdfast\.invalidate"):
        invalidate(7)
    with pytest.raises(ValueError, match="never saved"):
        invalidate(Tag(name="new"))


# The store is away


class Away:
    """A store that can't be reached, for those who write."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def mark(self, tags: Any, writer: bytes) -> None:
        raise StoreUnavailable("nobody is there")

    def bump(self, tags: Any, writer: bytes | None = None) -> None:
        raise StoreUnavailable("nobody is there")


@contextmanager
def store_is_away(monkeypatch: Any) -> Iterator[None]:
    store: Any = named_stores.store("cache")
    real = store.tags
    monkeypatch.setattr(store, "tags", Away(real))
    yield
    monkeypatch.setattr(store, "tags", real)


def test_strict_a_write_that_can_not_be_announced_fails(name, red, monkeypatch):
    with store_is_away(monkeypatch):
        with pytest.raises(OperationalError, match="ON_OUTAGE"), transaction.atomic():
            rename(red, "blue")
        with pytest.raises(OperationalError, match="ON_OUTAGE"):
            rename(red, "blue")
        assert Tag.objects.get(pk=red.pk).name == "red"
    assert not switch.in_database
    assert name() == "red"
    rename(red, "blue")  # the connection is fine
    assert name() == "blue"


# Async code


def test_async_functions_are_kept_and_made_untrue(shop, red):
    loads = []

    @cached(ttl=None, name="of an async function of the store's own tags")
    async def name() -> str:
        loads.append(1)
        return (await Tag.objects.aget(pk=red.pk)).name

    async def run() -> list[str]:
        seen = [await name(), await name()]
        await Tag.objects.filter(pk=red.pk).aupdate(name="blue")
        seen += [await name(), await name()]
        await sync_to_async(forget_connection)()
        return seen

    assert asyncio.run(run()) == ["red", "red", "blue", "blue"]
    assert len(loads) == 2


def forget_connection() -> None:
    # Django's thread for async code lives longer than this database is the default.
    connections["default"].close()
    del connections["default"]
