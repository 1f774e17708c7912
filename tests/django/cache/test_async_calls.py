"""The awaited half of a cache: native, on any number of event loops."""

import asyncio
import threading
from typing import Any

import pytest


async def every_call(cache: Any) -> None:
    await cache.aset("a", 1)
    assert await cache.aget("a") == 1
    assert await cache.aadd("a", 2) is False
    assert await cache.aadd("b", 2, 0) is True
    assert await cache.aget("b", "default") == "default"
    assert await cache.atouch("a", 100) is True
    assert await cache.aincr("a", 4) == 5
    assert await cache.adecr("a") == 4
    assert await cache.aincr("a", 0.5) == 4.5
    assert await cache.ahas_key("a") is True
    assert await cache.aget_or_set("c", lambda: "made") == "made"
    assert await cache.aset_many({"d": [1], "e": {"f": (1, 2)}}) == []
    assert await cache.aget_many(["d", "e", "none"]) == {"d": [1], "e": {"f": (1, 2)}}
    assert await cache.aincr_version("d") == 2
    assert await cache.adecr_version("d", version=2) == 1
    await cache.adelete_many(["d"])
    assert await cache.adelete("e") is True
    assert await cache.adelete("e") is False
    with pytest.raises(ValueError, match="'none' not found"):
        await cache.aincr("none")
    await cache.aclear()
    assert await cache.aget("a") is None
    await cache.aclose()


def test_no_call_starts_a_thread(cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    start = threading.Thread.start

    def note(thread: threading.Thread) -> None:
        started.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", note)
    asyncio.run(every_call(cache))
    # One for the process shows to other machines that it lives, as long as it loads something.
    assert started in ([], ["holdfast-leases"])


def test_one_cache_serves_several_event_loops(cache: Any) -> None:
    loops = [asyncio.new_event_loop() for _ in range(2)]
    for number in range(10):
        loop = loops[number % 2]
        loop.run_until_complete(cache.aset("number", number))
        assert loops[1 - number % 2].run_until_complete(cache.aget("number")) == number
        assert cache.get("number") == number
    for loop in loops:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def test_no_increment_of_concurrent_tasks_is_lost(cache: Any) -> None:
    async def count() -> None:
        for _ in range(20):
            await cache.aincr("whole")
            await cache.aincr("fraction", 0.5)

    async def main() -> None:
        await cache.aset_many({"whole": 0, "fraction": 0.5})
        await asyncio.gather(*(count() for _ in range(10)))

    asyncio.run(main())
    assert cache.get_many(["whole", "fraction"]) == {"whole": 200, "fraction": 100.5}


@pytest.mark.parametrize("place", ["embedded"], indirect=True)
def test_a_lazy_queryset_is_read_before_it_is_stored(cache: Any, database: None) -> None:
    from django.contrib.auth.models import User
    from django.db import connections

    User.objects.create(username="ann")
    connections.close_all()

    async def main() -> list[Any]:
        await cache.aset("users", User.objects.all())
        from asgiref.sync import sync_to_async

        await sync_to_async(connections.close_all)()
        return [user.username for user in await cache.aget("users")]

    assert asyncio.run(main()) == ["ann"]
