"""With versions in the database, nothing lies between a change and its announcement."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections, transaction

from holdfast import configuration, named_stores
from holdfast.cache import cached
from holdfast.django import invalidate
from holdfast.django.models import Sequence
from holdfast.django.tracking.start import start
from tests.django.tracking.shop.models import Author, Tag
from tests.django.tracking.test_cases import GROUPS, check_all
from tests.django.tracking.test_transactions import Away, StopError, in_thread, rename


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


def forget_connection() -> None:
    # Django's thread for async code lives longer than this database is the default.
    connections["default"].close()
    del connections["default"]


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
