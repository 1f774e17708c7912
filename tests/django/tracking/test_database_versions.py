"""With versions in the database, nothing lies between a change and its announcement."""

import asyncio
import copy
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.db import connection, connections, transaction

from holdfast import configuration, named_stores
from holdfast.cache import cached
from holdfast.cache.loading import loader
from holdfast.django import invalidate
from holdfast.django.models import Sequence
from holdfast.django.tracking.start import start
from tests.django.tracking.conftest import on_database
from tests.django.tracking.shop.models import Author, Tag
from tests.django.tracking.test_cases import GROUPS, check_all
from tests.django.tracking.test_transactions import (
    Away,
    StopError,
    forget_connection,
    in_thread,
    rename,
)


@pytest.fixture(autouse=True)
def _in_database(shop) -> Iterator[None]:
    from holdfast.django.tracking import database_versions

    configuration.apply(
        {
            "CACHE": {"TRACKING": True, "VERSIONS": "database"},
            "STORES": {"cache": "memory://"},
        }
    )
    start()
    yield
    database_versions.use(wanted=False)


@pytest.fixture
def red() -> Tag:
    return Tag.objects.create(name="red")


@pytest.fixture
def name(counted, red) -> Any:
    return counted(lambda: Tag.objects.get(pk=red.pk).name)


def test_a_commit_bumps_and_a_rollback_does_not(name, red):
    before = Sequence.objects.get(pk=1).number
    with pytest.raises(StopError), transaction.atomic():  # noqa: PT012 - what is rolled back
        rename(red, "blue")
        raise StopError
    assert name.is_kept()
    assert Sequence.objects.get(pk=1).number == before
    with transaction.atomic():
        rename(red, "blue")
        assert in_thread(name) == "red"
    assert not name.is_kept()


def test_no_store_is_needed_to_write(name, red, monkeypatch):
    """The store's own tags are never told of rows."""
    tags: Any = named_stores.store("cache").tags
    monkeypatch.setattr(tags, "_inner", Away(tags._inner))
    with transaction.atomic():
        rename(red, "blue")
    rename(red, "green")
    assert name() == "green"


def test_a_row_that_the_database_numbers(counted, red):
    there = counted(lambda: Tag.objects.filter(pk=red.pk + 1).exists())
    assert Tag.objects.create(name="new").pk == red.pk + 1
    assert there()


def test_by_hand(name, red):
    invalidate(red)
    assert not name.is_kept()
    with transaction.atomic():
        Author.objects.count()
        invalidate(red)
    assert not name.is_kept()


def test_a_snapshot_is_as_old_as_its_number(counted, red):
    load = counted(lambda: Tag.objects.get(pk=red.pk).name)
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert Tag.objects.get(pk=red.pk).name == "red"
        in_thread(lambda: rename(red, "blue"))
        assert load() == "red"
    assert load() == "blue"


@pytest.fixture
def new_database(shop, tmp_path) -> Iterator[None]:
    """The default database is one that has no tables yet."""
    given = copy.deepcopy(connections.settings["default"])
    if connection.vendor == "sqlite":
        given["NAME"] = tmp_path / "new"
        with on_database(given):
            yield
        return
    given["NAME"] = "holdfast_new"
    execute("DROP DATABASE IF EXISTS holdfast_new")
    execute("CREATE DATABASE holdfast_new")
    with on_database(given):
        yield
    execute("DROP DATABASE holdfast_new WITH (FORCE)")


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_the_first_migrate_makes_the_tables(new_database, counted):
    count = counted(lambda: len(connection.introspection.table_names()), is_new=True)
    with transaction.atomic():
        assert count() == count() == 0  # there is nothing to be kept by, and nothing breaks
    call_command("migrate", "contenttypes", verbosity=0)
    assert Sequence._meta.db_table not in connection.introspection.table_names()
    call_command("migrate", verbosity=0, run_syncdb=True)
    wait_until(lambda: not loader("cache")._fetching.circuit.open)
    before = Sequence.objects.get(pk=1).number
    tag = Tag.objects.create(name="red")
    assert Sequence.objects.get(pk=1).number > before
    name = counted(lambda: Tag.objects.get(pk=tag.pk).name)
    rename(tag, "blue")
    assert not name.is_kept()


def test_tables_that_are_dropped_and_made_again(new_database, counted):
    call_command("migrate", "contenttypes", verbosity=0)
    call_command("migrate", verbosity=0, run_syncdb=True)
    call_command("migrate", "holdfast", "zero", verbosity=0)
    tag = Tag.objects.create(name="red")
    call_command("migrate", "holdfast", verbosity=0)
    name = counted(lambda: Tag.objects.get(pk=tag.pk).name)
    rename(tag, "blue")
    assert not name.is_kept()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_async_functions(red):
    loads = []

    @cached(ttl=None, name="of an async function")
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


def test_the_same_is_made_untrue(counted):
    check_all(counted, GROUPS["by foreign key"])
