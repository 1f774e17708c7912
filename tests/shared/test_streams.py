"""What changed in a shared dict is told in order, and a gap is never silent."""

import asyncio
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import holdfast
from holdfast import shared
from holdfast.stores.protocol import Changes
from tests.shared.conftest import LISTING


def told(stream):
    return [(change.kind, change.key) for change in stream]


@pytest.mark.parametrize("engine", LISTING, indirect=True)
def test_all_that_changes_is_told_in_order(flags):
    flags["a"] = 1
    flags[("b", 2)] = 2
    flags.change("a", lambda n: n + 1)
    del flags["a"]
    flags.set_many({"c": 1, 4: 2})
    flags.setdefault("e", 1)
    flags.setdefault("e", 1)
    flags.pop("e")
    flags.clear()
    assert told(shared.stream(flags.name, since=0, timeout=0)) == [
        ("set", "a"),
        ("set", ("b", 2)),
        ("set", "a"),
        ("delete", "a"),
        ("set", "c"),
        ("set", 4),
        ("set", "e"),
        ("delete", "e"),
        ("clear", None),
    ]


def test_it_goes_on_after_a_position(flags):
    flags["a"] = 1
    changes = list(shared.stream(flags.name, since=0, timeout=0))
    flags["b"] = 1
    assert told(shared.stream(flags.name, changes[-1].position, timeout=0)) == [("set", "b")]


def test_without_a_position_it_begins_now(flags):
    flags["a"] = 1
    stream = shared.stream(flags.name, timeout=0)
    assert stream.position > 0
    flags["b"] = 1
    assert told(stream) == [("set", "b")]
    assert told(stream) == []
    flags["c"] = 1
    assert told(stream) == [("set", "c")]


def test_who_waits_is_woken(flags):
    begun = threading.Event()

    def follow():
        stream = shared.stream(flags.name, timeout=10)
        assert stream.position >= 0
        begun.set()
        for change in stream:
            return change, time.monotonic()
        return None

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(follow)
        begun.wait()
        time.sleep(0.2)
        written = time.monotonic()
        flags["a"] = 1
        change, seen = future.result()
    assert (change.kind, change.key) == ("set", "a")
    assert seen - written < 0.5


def test_it_ends_after_a_time_of_quiet(flags):
    flags["a"] = 1
    begun = time.monotonic()
    assert told(shared.stream(flags.name, since=0, timeout=0.3)) == [("set", "a")]
    assert 0.3 <= time.monotonic() - begun < 2


def test_what_changed_nothing_is_not_told_and_not_waited_for_without_end(flags):
    flags["a"] = 1
    assert not flags.delete("b")
    stream = shared.stream(flags.name, since=0, timeout=0)
    assert told(stream) == [("set", "a")]
    assert told(stream) == []
    flags["c"] = 1
    assert told(stream) == [("set", "c")]


@pytest.mark.needs("memcached")
@pytest.mark.parametrize("engine", ["memcached"], indirect=True)
@pytest.mark.parametrize("timeout", [0, 0.1])
def test_it_ends_while_others_do_what_changes_nothing(flags, monkeypatch, timeout):
    from holdfast.stores.memcached import AsyncMemcachedStore, MemcachedStore

    left = 10_000
    real, real_async = MemcachedStore.wait_for_change, AsyncMemcachedStore.wait_for_change

    def change_nothing() -> None:
        nonlocal left
        left -= 1
        assert left
        flags.delete("nothing")

    def wait(*arguments):
        change_nothing()
        return real(*arguments)

    async def wait_async(*arguments):
        change_nothing()
        return await real_async(*arguments)

    async def follow():
        stream = shared.stream(flags.name, since=0, timeout=timeout)
        return [(change.kind, change.key) async for change in stream]

    monkeypatch.setattr(MemcachedStore, "wait_for_change", wait)
    monkeypatch.setattr(AsyncMemcachedStore, "wait_for_change", wait_async)
    flags["a"] = 1
    assert told(shared.stream(flags.name, since=0, timeout=timeout)) == [("set", "a")]
    assert asyncio.run(follow()) == [("set", "a")]


def test_what_a_dict_does_not_log_is_not_told(flags):
    quiet = shared.dict(flags.name, logged=False)
    quiet["a"] = 1
    quiet.pop("a")
    assert told(shared.stream(flags.name, since=0, timeout=0)) == []


def test_many_writers_and_none_is_missed(flags):
    def write(writer: int) -> None:
        for number in range(50):
            flags[writer, number] = number

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(write, writer) for writer in range(4)]:
            future.result()
    changes = list(shared.stream(flags.name, since=0, timeout=0))
    positions = [change.position for change in changes]
    assert positions == sorted(set(positions))
    assert len(changes) == 200
    for writer in range(4):
        numbers = [change.key[1] for change in changes if change.key[0] == writer]
        assert numbers == list(range(50))


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
def test_a_gap_is_raised_once_and_the_stream_goes_on_after_it(flags, monkeypatch):
    from holdfast import named_stores

    flags["a"] = 1
    store = named_stores.store("default")
    real = store.changes

    def forgetful(topic, since, **options):
        if since < 1:
            return Changes([], complete=False, newest=real(topic, 0).newest)
        return real(topic, since, **options)

    monkeypatch.setattr(store, "changes", forgetful)
    stream = shared.stream(flags.name, since=0, timeout=0)
    with pytest.raises(shared.Gap, match="Read the whole state anew") as raised:
        list(stream)
    assert raised.value.position == stream.position
    again = pickle.loads(pickle.dumps(raised.value))  # noqa: S301
    assert (again.since, again.position) == (0, stream.position)
    flags["b"] = 1
    assert told(stream) == [("set", "b")]


@pytest.mark.parametrize("engine", ["memory", "lmdb"], indirect=True)
def test_a_log_that_is_full_has_a_gap(store_url, name):
    holdfast.configure({"STORES": {"default": {"URL": store_url, "LOG_LIMIT": 10}}})
    flags, stream = shared.dict(name), shared.stream(name, timeout=0)
    since = stream.position
    for number in range(50):
        flags[number] = number
    with pytest.raises(shared.Gap):
        list(stream)
    with pytest.raises(shared.Gap):
        list(shared.stream(name, since, timeout=0))
    assert told(stream) == []
    flags["a"] = 1
    assert told(stream) == [("set", "a")]
    holdfast.configure({})


def test_it_can_be_awaited(flags):
    async def use() -> None:
        stream = shared.stream(flags.name, timeout=5)
        assert await stream.aposition() == await stream.aposition()

        async def follow():
            seen = []
            async for change in stream:
                seen.append((change.kind, change.key))
                if len(seen) == 3:
                    return seen
            return seen

        following = asyncio.create_task(follow())
        await asyncio.sleep(0.1)
        await flags.aset("a", 1)
        await flags.aset("b", 1)
        await flags.adelete("a")
        assert await following == [("set", "a"), ("set", "b"), ("delete", "a")]
        rest = [change async for change in shared.stream(flags.name, since=0, timeout=0)]
        assert len(rest) == 3

    asyncio.run(use())


def test_a_position_that_is_none_is_refused_at_once(name):
    with pytest.raises(TypeError, match=r"since must be a position, .* or 0 or None, not 'x'"):
        shared.stream(name, since="x")
