"""Changes that Django doesn't see are told of by triggers."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction

from holdfast import configuration
from holdfast.django.tracking import outbox, triggers
from holdfast.django.tracking.start import start
from tests.django.tracking.shop.models import Tag

pytestmark = pytest.mark.needs("postgresql")


@pytest.fixture(params=["store", "database"])
def kept_in(request: pytest.FixtureRequest, on_postgres: None) -> Iterator[str]:
    from holdfast.django.tracking import database_versions

    configuration.apply(
        {
            "CACHE": {"TRACKING": True, "TRIGGERS": True, "VERSIONS": request.param},
            "STORES": {"cache": "memory://"},
        }
    )
    start()
    call_command("holdfast", "cache", "triggers", "install")
    yield request.param
    triggers.remove()
    database_versions.use(wanted=False)


@pytest.fixture
def outside(postgres_url: str) -> Iterator[Any]:
    with psycopg.connect(postgres_url, autocommit=True) as connected:
        yield connected


def test_what_another_program_writes_is_told(kept_in, outside, counted):
    red, blue = Tag.objects.create(name="red"), Tag.objects.create(name="blue")
    name = counted(lambda: Tag.objects.get(pk=red.pk).name)
    outside.execute("UPDATE shop_tag SET name = 'green' WHERE id = %s", [red.pk])
    if kept_in == "store":
        assert outbox.replay() == 1
    assert name() == "green"
    assert blue.pk
    outside.execute("TRUNCATE shop_tag CASCADE")
    outbox.replay()
    with pytest.raises(Tag.DoesNotExist):
        name()


def test_what_django_writes_is_not_told_twice(kept_in, outside, counted):
    red, blue = Tag.objects.create(name="red"), Tag.objects.create(name="blue")
    name = counted(lambda: Tag.objects.get(pk=red.pk).name)
    Tag.objects.filter(pk=blue.pk).update(name="x")
    with transaction.atomic():
        Tag.objects.filter(pk=blue.pk).update(name="y")
        Tag.objects.create(name="new")
    assert outbox.pending() == 0
    assert name.is_kept()
    Tag.objects.filter(pk=red.pk).update(name="z")
    assert name() == "z"


def test_who_waits_is_woken(kept_in, outside):
    if kept_in == "store":
        assert triggers.wait("default", 0.01)
        outside.execute("INSERT INTO shop_tag (name) VALUES ('new')")
        assert triggers.wait("default", 60)
        assert outbox.replay() == 1


def test_they_are_listed_and_removed(kept_in, capsys):
    call_command("holdfast", "cache", "triggers", "list")
    assert "shop_tag" in capsys.readouterr().out
    assert "shop_tag" in triggers.remove()
    with connection.cursor() as cursor:
        assert triggers.installed(cursor) == []


def test_on_another_database_there_are_none(on_sqlite):
    with pytest.raises(triggers.NoTriggers, match="PostgreSQL"):
        triggers.install()
