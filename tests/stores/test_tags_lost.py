"""What becomes of tags when a process is killed, a server is emptied or restarted, a clock set."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from holdfast.stores import StoreUnavailable, open_store
from tests.services.memcached import running_memcached
from tests.services.redis import running_redis
from tests.stores.faces import Face
from tests.stores.processes import Process

A, B = b"a", b"b"
#: Long enough for a machine that stalls, where it must not be over; short, where it must.
LONG, SHORT = 60.0, 0.4

NEEDS_REDIS = pytest.param("redis", marks=pytest.mark.needs("redis"))
NEEDS_MEMCACHED = pytest.param("memcached", marks=pytest.mark.needs("memcached"))
SHARED = ["lmdb", NEEDS_REDIS, NEEDS_MEMCACHED]
SERVERS = [NEEDS_REDIS, NEEDS_MEMCACHED]


def wait_for_stamp(tags: Any) -> bytes:
    deadline = time.monotonic() + 20
    while (stamp := tags.stamp()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return bytes(stamp)


@contextlib.contextmanager
def opened(url: str, commit_timeout: float, kind: str = "sync") -> Iterator[Any]:
    store = open_store(url, commit_timeout=commit_timeout)
    face = Face(store.asynchronous.tags if kind == "async" else store.tags)  # type: ignore[attr-defined]
    try:
        yield face
    finally:
        face.leave()
        store.close()


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


# A writer is killed


@pytest.mark.parametrize("engine", SHARED)
def test_the_mark_of_a_killed_writer_becomes_a_bump(store_url, kind):
    with opened(store_url, 1.0, kind) as tags:
        with opened(store_url, 0.02) as other:
            wait_for_stamp(other)
        before = tags.stamp()
        assert tags.put(b"k", b"old", None, before, [A])
        with Process(
            """
            tags = open_store(sys.argv[1], commit_timeout=1.0).tags
            tags.mark([b"a"], b"w")
            say("marked")
            input()
            """,
            store_url,
        ) as writer:
            assert writer.line() == "marked"
            writer.kill()
        # Nobody knows yet whether it has committed.
        assert not tags.get(b"k").valid
        during = tags.stamp()
        assert not tags.put(b"k", b"old", None, during, [A])
        deadline = time.monotonic() + 20
        while not tags.put(b"k", b"new", None, tags.stamp(), [A]):
            assert not tags.get(b"k").valid
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert tags.get(b"k").value == b"new"
        assert tags.get(b"k").valid
        # It has become a bump: what was loaded before its end is not valid after it.
        assert not tags.valid(during, [A])
        assert not tags.valid(before, [A])


@pytest.mark.parametrize("engine", SHARED)
def test_a_mark_lasts_for_as_long_as_a_commit_may_take(store_url):
    with opened(store_url, SHORT) as tags:
        wait_for_stamp(tags)
        begun = time.monotonic()
        tags.mark([A], b"w")
        while not tags.put(b"k", b"v", None, tags.stamp(), [A]):
            time.sleep(0.005)
        assert time.monotonic() - begun >= SHORT


@pytest.mark.parametrize("engine", [NEEDS_MEMCACHED])
def test_a_writer_killed_in_the_middle_of_a_bump_leaves_its_mark(store_url):
    """Memcached's bump has several steps; killed after any of them, it is finished by another."""
    with opened(store_url, SHORT) as tags:
        wait_for_stamp(tags)
        for step in range(1, 6):
            before = tags.stamp()
            tags.valid(before, [A])
            with Process(
                f"""
                import os
                store = open_store(sys.argv[1], commit_timeout={SHORT})
                do, left = store._driver._do, {step}
                def counted(request):
                    global left
                    left -= 1
                    if left < 0:
                        say("here")
                        input()
                    return do(request)
                store._driver._do = counted
                store.tags.bump([b"a"], b"w")
                say("here")
                input()
                """,
                store_url,
            ) as writer:
                assert writer.line() == "here"
                writer.kill()
            if step == 1:
                continue  # nothing was written yet
            deadline = time.monotonic() + 20
            while not tags.put(b"k", b"new", None, tags.stamp(), [A]):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert not tags.valid(before, [A])


# A store that may have lost marks


@contextlib.contextmanager
def _server(engine: str) -> Iterator[Any]:
    with {"redis": running_redis, "memcached": running_memcached}[engine]() as server:
        yield server


def emptied(server: Any) -> None:
    assert "OK" in server.ask("FLUSHALL" if "redis" in server.url else "flush_all")


def restarted(server: Any) -> None:
    server.stop()
    server.start()


def noticed(tags: Any) -> None:
    """Let an event loop that stood still in between find out that its connection is gone."""
    with contextlib.suppress(StoreUnavailable):
        tags.delete(b"nothing")


@pytest.mark.parametrize("what", [emptied, restarted])
@pytest.mark.parametrize("engine", SERVERS)
def test_a_store_that_lost_its_marks_stores_nothing_for_a_while(engine, what, kind):
    with _server(engine) as server, opened(server.url, SHORT, kind) as tags:
        before = wait_for_stamp(tags)
        known = tags.sequence()
        assert tags.put(b"k", b"old", None, before, [A])
        tags.mark([A], b"w")
        what(server)
        noticed(tags)
        begun = time.monotonic()
        # The commit that was announced may still come: nothing may be stored until then.
        assert tags.stamp() is None
        assert tags.sequence() != known
        assert tags.get(b"k") is None or not tags.get(b"k").valid
        assert not tags.valid(before, [A])
        assert not tags.valid(before, [])
        assert not tags.put(b"k", b"old", None, before, [A])
        wait_for_stamp(tags)
        assert time.monotonic() - begun >= SHORT
        # The writer's bump comes through all the same.
        tags.bump([A], b"w")
        assert tags.put(b"k", b"new", None, tags.stamp(), [A])
        assert tags.get(b"k").valid


@pytest.mark.parametrize("engine", SERVERS)
def test_a_change_announced_in_an_emptied_store_is_known_to_it(engine):
    with _server(engine) as server, opened(server.url, LONG) as tags:
        tags.mark([A], b"w")
        emptied(server)
        tags.mark([A], b"w2")
        with opened(server.url, 0.02) as other:
            wait_for_stamp(other)
        stamp = tags.stamp()
        assert not tags.valid(stamp, [A])
        tags.bump([A], b"w2")
        assert tags.valid(tags.stamp(), [A])


@pytest.mark.needs("redis")
def test_a_server_that_comes_back_with_older_data_revives_nothing(kind):
    with running_redis() as server, opened(server.url, SHORT, kind) as tags:
        stamp = wait_for_stamp(tags)
        assert tags.put(b"k", b"old", None, stamp, [A])
        assert "OK" in server.ask("SAVE")
        tags.bump([A])
        assert not tags.get(b"k").valid
        restarted(server)
        noticed(tags)
        # The dump has the result and the tag, as they were before the bump.
        assert tags.get(b"k").value == b"old"
        assert not tags.get(b"k").valid
        assert not tags.valid(stamp, [A])
        assert tags.stamp() is None


@pytest.mark.needs("redis")
def test_a_replica_that_is_promoted_is_another_store(kind):
    with (
        running_redis(repl_diskless_sync_delay="0") as master,
        running_redis(replicaof=f"127.0.0.1 {master.port}") as replica,
        opened(master.url, SHORT, kind) as tags,
        opened(replica.url, SHORT, kind) as promoted,
    ):
        stamp = wait_for_stamp(tags)
        assert tags.put(b"k", b"old", None, stamp, [A])
        deadline = time.monotonic() + 20
        while "e:k" not in replica.ask("KEYS", "*e:k"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        replica.ask("REPLICAOF", "NO", "ONE")
        assert promoted.get(b"k").value == b"old"
        assert not promoted.get(b"k").valid
        assert promoted.stamp() is None


@pytest.mark.needs("redis")
@pytest.mark.parametrize("which", ["s", "n"])
def test_either_key_of_redis_that_is_evicted_is_missed(which):
    with running_redis() as server, opened(server.url, SHORT) as tags:
        stamp = wait_for_stamp(tags)
        tags.bump([B])
        assert tags.put(b"k", b"v", None, tags.stamp(), [A])
        tags.mark([A], b"w")
        assert ":1" in server.ask("DEL", f"hf:g:{{hf:tags}}{which}")
        assert not tags.get(b"k").valid
        assert not tags.valid(stamp, [B])
        assert tags.stamp() is None


@pytest.mark.needs("memcached")
def test_a_tag_that_memcached_evicts_brings_no_result_back():
    with running_memcached() as server, opened(server.url, SHORT) as tags:
        before = wait_for_stamp(tags)
        assert tags.put(b"k", b"old", None, before, [A])
        tags.bump([A])
        store = open_store(server.url)
        epoch = before[:8]
        names = store.tag_operations._names  # type: ignore[attr-defined]
        from holdfast.stores.networked.results import digest

        name = names.tag(epoch, digest(A)).decode()
        assert "DELETED" in server.ask(f"delete {name}")
        assert not tags.get(b"k").valid
        # Nor when the tag is known anew.
        assert tags.put(b"other", b"v", None, tags.stamp(), [A])
        assert tags.get(b"other").valid
        assert not tags.get(b"k").valid
        store.close()


# Clocks


@pytest.mark.parametrize("engine", SHARED)
@pytest.mark.parametrize("jump", [3600, -3600])
def test_a_jump_of_this_machines_clock_changes_nothing(store_url, jump, monkeypatch):
    with opened(store_url, LONG) as tags:
        with opened(store_url, 0.02) as other:
            wait_for_stamp(other)
        stamp = tags.stamp()
        assert tags.put(b"k", b"v", None, stamp, [A])
        tags.mark([B], b"w")
        now, now_ns = time.time, time.time_ns
        monkeypatch.setattr(time, "time", lambda: now() + jump)
        monkeypatch.setattr(time, "time_ns", lambda: now_ns() + jump * 10**9)
        assert tags.get(b"k").valid
        assert not tags.put(b"k", b"v", None, tags.stamp(), [B])
        assert tags.put(b"l", b"v", None, tags.stamp(), [A])
        tags.bump([A])
        assert not tags.get(b"k").valid
        assert not tags.put(b"k", b"v", None, stamp, [A])


@pytest.mark.needs("redis")
def test_no_step_of_redis_asks_the_servers_clock():
    from holdfast.stores.redis import tag_scripts
    from holdfast.stores.redis.scripts import Script

    scripts = [found for found in vars(tag_scripts).values() if isinstance(found, Script)]
    assert len(scripts) >= 8
    for script in scripts:
        # PX is the TTL of a result; PTTL tells what is left of it.
        for word in ("'TIME'", "EXPIRE", "'EX'", "LASTSAVE"):
            assert word not in script.text


# A stalled process


@pytest.mark.parametrize("engine", SHARED)
def test_a_reader_that_was_stopped_in_its_load_stores_nothing_old(store_url):
    with opened(store_url, LONG) as tags:
        with opened(store_url, 0.02) as other:
            wait_for_stamp(other)
        with Process(
            """
            tags = open_store(sys.argv[1], commit_timeout=60).tags
            stamp = tags.stamp()
            say("stamped")
            input()
            say(tags.put(b"k", b"old", None, stamp, [b"a"]))
            """,
            store_url,
        ) as reader:
            assert reader.line() == "stamped"
            os.kill(reader.pid, signal.SIGSTOP)
            tags.mark([A], b"w")
            tags.bump([A], b"w")
            os.kill(reader.pid, signal.SIGCONT)
            reader.go_on()
            assert reader.line() == "False"
        assert tags.get(b"k") is None or not tags.get(b"k").valid


def test_threads_may_be_the_first_to_ask_at_once(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s")
    stamps: list[Any] = []
    threads = [threading.Thread(target=lambda: stamps.append(store.tags.stamp())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(stamps)) == 1
    store.close()
