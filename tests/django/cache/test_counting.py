"""Django's caches are counted under their alias, like all that is cached."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.test import override_settings

from holdfast.cache import snapshot


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Any]:
    given = {
        "default": {"BACKEND": "holdfast.django.cache.EmbeddedCache"},
        "counted": {
            "BACKEND": "holdfast.django.cache.GuardedCache",
            "LOCATION": f"lmdb://{tmp_path / 'cache'}",
            "OPTIONS": {"WAIT": 20},
        },
    }
    with override_settings(CACHES=given):
        yield caches["counted"]


@pytest.fixture
def since() -> Callable[[], dict[str, float]]:
    """What was counted since the test began, without what is nothing or takes time."""
    before = snapshot().get("cache:counted", {})

    def found() -> dict[str, float]:
        now = snapshot()["cache:counted"]
        return {
            name: figure - before.get(name, 0)
            for name, figure in now.items()
            if figure != before.get(name, 0) and not name.endswith("seconds")
        }

    return found


def test_hits_and_misses(cache: Any, since: Any) -> None:
    assert cache.get("a", "nothing") == "nothing"
    cache.set("a", None)
    assert cache.get("a", "nothing") is None
    assert cache.get_many(["a", "b"]) == {"a": None}
    assert since() == {"hits": 2, "store_hits": 2, "misses": 1}


def test_async_hits_and_misses(cache: Any, since: Any) -> None:
    async def ask() -> None:
        assert await cache.aget("a", 1) == 1
        await cache.aset("a", 2)
        assert await cache.aget("a") == 2
        assert await cache.aget_many(["a", "b"]) == {"a": 2}
        assert await cache.aget_or_set("c", lambda: 3) == 3

    asyncio.run(ask())
    assert since() == {"hits": 2, "store_hits": 2, "misses": 2, "loads": 1}


def test_one_load_is_one_miss_and_others_wait(cache: Any, since: Any) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def load() -> int:
        begun.set()
        assert go_on.wait(20)
        return 7

    def ask() -> None:
        found.append(caches["counted"].get_or_set("key", load))

    found: list[int] = []
    first = threading.Thread(target=ask)
    first.start()
    assert begun.wait(20)
    second = threading.Thread(target=ask)
    second.start()
    while not since().get("waits"):
        assert second.is_alive()
    go_on.set()
    first.join()
    second.join()
    assert found == [7, 7]
    assert since() == {"misses": 2, "loads": 1, "waits": 1}
    assert snapshot()["cache:counted"]["load_seconds"] > 0


def test_an_outage_is_counted(since: Any) -> None:
    given = {
        "default": {"BACKEND": "holdfast.django.cache.EmbeddedCache"},
        "counted": {
            "BACKEND": "holdfast.django.cache.GuardedCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        },
    }
    with override_settings(CACHES=given):
        assert caches["counted"].get("a", 1) == 1
        assert caches["counted"].get_many(["a"]) == {}
    assert since() == {"misses": 1, "outages": 2}
