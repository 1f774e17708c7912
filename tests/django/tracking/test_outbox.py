"""With the outbox, a write goes on without the store, and is announced when it is back."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from holdfast import configuration
from holdfast.django.tracking import outbox
from holdfast.django.tracking.counters import events
from tests.django.tracking.shop.models import Tag
from tests.django.tracking.test_transactions import StopError, store_is_away


@pytest.fixture(autouse=True)
def _outbox(shop, monkeypatch) -> Iterator[None]:
    configuration.apply(
        {
            "CACHE": {"TRACKING": True, "ON_OUTAGE": "outbox"},
            "STORES": {"cache": "memory://"},
        }
    )
    monkeypatch.setattr(outbox, "_outage_until", 0.0)
    monkeypatch.setattr(outbox, "replay_soon", lambda alias: None)
    yield
    monkeypatch.undo()


@pytest.fixture
def name(counted) -> Any:
    red = Tag.objects.create(name="red")
    made = counted(lambda: Tag.objects.values_list("name", flat=True).get(pk=red.pk))
    made.pk = red.pk
    return made


def test_a_transaction_goes_ahead_and_is_announced_later(name, monkeypatch):
    with store_is_away(monkeypatch), transaction.atomic():
        Tag.objects.filter(pk=name.pk).update(name="blue")
    assert Tag.objects.get(pk=name.pk).name == "blue"
    assert outbox.pending() == 1
    assert outbox.replay() == 1
    assert outbox.pending() == 0
    assert name() == "blue"


def test_a_statement_in_autocommit_gets_a_transaction(name, monkeypatch):
    with store_is_away(monkeypatch):
        Tag.objects.filter(pk=name.pk).update(name="blue")
        new = Tag.objects.create(name="new")  # whose number comes back from the database
    assert new.pk is not None
    assert Tag.objects.filter(pk=new.pk).exists()
    assert outbox.pending() == 2
    outbox.replay()
    assert name() == "blue"


def test_what_is_rolled_back_leaves_nothing_in_it(name, monkeypatch):
    away = store_is_away(monkeypatch)
    with away, pytest.raises(StopError), transaction.atomic():  # noqa: PT012 - rolled back
        Tag.objects.filter(pk=name.pk).update(name="blue")
        raise StopError
    assert outbox.pending() == 0
    assert name.is_kept()


def test_for_a_while_nobody_waits_for_a_store_that_is_away(name, monkeypatch):
    with store_is_away(monkeypatch):
        Tag.objects.filter(pk=name.pk).update(name="blue")
        before = events.snapshot()["not_announced"]
        Tag.objects.filter(pk=name.pk).update(name="green")
        assert events.snapshot()["not_announced"] == before
    assert outbox.pending() == 2
    outbox.replay()


def test_it_is_replayed_in_the_background(name, monkeypatch):
    with store_is_away(monkeypatch):
        Tag.objects.filter(pk=name.pk).update(name="blue")
        monkeypatch.undo()
        outbox.replay_soon("default")
    deadline = time.monotonic() + 20
    while outbox.pending() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert outbox.pending() == 0
    assert name() == "blue"
