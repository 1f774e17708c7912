"""The embedded store and processes that fork, threads that open, processes that grow the file."""

import multiprocessing
import os
import shutil
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.stores import open_store
from tests.fresh_process import output_of
from tests.stores.processes import Process


def in_child(work: Callable[[], object]) -> int:
    """How a forked child ended that does *work*."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.fixture
def store(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s")
    yield store
    store.close()


def test_a_child_goes_on_with_the_store_of_its_parent(store):
    store.set(b"k", b"parent")

    def work():
        assert store.get(b"k") == b"parent"
        store.set(b"k", b"child")

    for _ in range(50):
        assert in_child(work) == 0
        assert store.get(b"k") == b"child"
        store.set(b"k", b"parent")


def test_children_that_come_and_go_leave_no_reader_behind(store):
    store.set(b"k", b"v")
    # LMDB has room for 1,024; a handle used after a fork would leave one for each read.
    for _ in range(15):
        assert in_child(lambda: [store.get(b"k") for _ in range(200)]) == 0
    readers = store._environment.open().readers()
    assert len(readers.splitlines()) <= 2, readers


def test_no_handle_is_inherited(store):
    store.set(b"k", b"v")

    def work():
        assert store._environment._lmdb is None
        names = [path.readlink().name for path in Path("/proc/self/fd").iterdir() if path.exists()]
        assert not [name for name in names if name.startswith("state-1")]

    assert in_child(work) == 0
    assert store.get(b"k") == b"v"


def test_a_fork_in_the_midst_of_other_threads_work_is_harmless(store):
    stop = threading.Event()
    errors = []

    def go_on(index):
        n = 0
        while not stop.is_set():
            try:
                n += 1
                store.set(b"%d" % index, b"%d" % n)
                assert store.get(b"%d" % index) == b"%d" % n
            except Exception as error:
                errors.append(error)
                return

    threads = [threading.Thread(target=go_on, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    try:
        with warnings.catch_warnings():
            # Python 3.12 warns of any fork beside threads, and that is what is tried here.
            warnings.simplefilter("ignore", DeprecationWarning)
            for n in range(30):
                assert in_child(lambda n=n: store.set(b"child", b"%d" % n)) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not errors
    assert store.get(b"child") == b"29"


def test_threads_that_open_together_open_once(tmp_path):
    for round_ in range(20):
        store = open_store(f"lmdb://{tmp_path}/{round_}")
        barrier, errors = threading.Barrier(8), []

        def use(store=store, barrier=barrier, errors=errors):
            barrier.wait()
            try:
                store.set(b"k", b"v")
                assert store.get(b"k") == b"v"
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=use) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors
        assert store._environment.opened == 1


def test_two_stores_of_one_process_share_the_file(tmp_path):
    one, other = (open_store(f"lmdb://{tmp_path}/s") for _ in range(2))
    one.set(b"k", b"v")
    assert other.get(b"k") == b"v"
    assert one.acquire(b"l", b"one", 10)
    assert other.acquire(b"l", b"other", 10, timeout=0) is None
    # Let go of through the other: who waits hears of it all the same.
    result = []
    waiting = threading.Thread(target=lambda: result.append(one.acquire(b"l", b"x", 5, timeout=5)))
    waiting.start()
    assert other.release(b"l", b"one")
    waiting.join(2)
    assert result
    other.close()
    assert one.get(b"k") == b"v"


def test_a_map_that_another_process_enlarges_is_followed(store):
    store.set(b"k", b"v")
    before = store._environment.mapped
    with Process(
        """
        for n in range(20_000):
            store.set(b"%d" % n, b"x" * 2000)
        say("done")
        input()
        for n in range(20_000):
            assert store.get(b"%d" % n) is not None
        say("read")
        """,
        store.url,
    ) as other:
        assert other.line() == "done"
        assert store.get(b"k") == b"v"
        assert store.get(b"19999") == b"x" * 2000
        store.set(b"k", b"w")
        assert store._environment.mapped > before
        for n in range(20_000, 60_000):
            store.set(b"%d" % n, b"x" * 2000)
        other.go_on()
        assert other.line() == "read"


def test_threads_read_on_while_the_map_is_enlarged(store):
    value = b"x" * 100_000
    stop, errors = threading.Event(), []

    def read():
        while not stop.is_set():
            try:
                assert store.get(b"1") in {None, value}
                assert all(v == value for v in store.get_many([b"1", b"2"]).values())
                store.scan(b"", limit=50)
            except Exception as error:
                errors.append(error)
                return
            time.sleep(0)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(700):
        store.set(b"%d" % n, value)
    stop.set()
    for thread in threads:
        thread.join()
    assert not errors
    assert store._environment.mapped >= 2**27


def test_what_another_process_wrote_is_never_taken_for_what_was_read(store):
    # Each process counts its writes from the beginning, and both have written as often.
    store.set(b"k", b"a")
    _, token = store.gets(b"k")
    with Process("store.set(b'k', b'b'); store.set(b'k', b'a'); say('set')", store.url) as other:
        assert other.line() == "set"
    for _ in range(3):
        assert not store.replace(b"k", b"c", token)
        with Process("store.set(b'k', b'a'); say('set')", store.url) as other:
            assert other.line() == "set"


def test_four_processes_count_to_exactly_their_sum(store):
    each = 20_000
    context = multiprocessing.get_context("fork")

    def count():
        for _ in range(each):
            store.increment(b"n", 1, initial=0)

    processes = [context.Process(target=count) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert store.get(b"n") == b"%d" % (4 * each)


def test_a_store_opened_before_gunicorn_forks_serves_all_workers(tmp_path):
    # As under preload_app: the store is used in the master, and then in each worker.
    assert (
        output_of(
            """
        import os, sys
        from holdfast.stores import open_store
        store = open_store(sys.argv[1])
        store.set(b"k", b"v")
        assert store.acquire(b"l", b"master", 60)
        for _ in range(4):
            pid = os.fork()
            if not pid:
                code = 1
                try:
                    for _ in range(500):
                        assert store.get(b"k") == b"v"
                        store.increment(b"n", initial=0)
                    assert store.acquire(b"l", b"worker", 60, timeout=0) is None
                    code = 0
                finally:
                    os._exit(code)
        codes = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(4)]
        print(codes, store.get(b"n").decode(), store.release(b"l", b"master"))
        """,
            f"lmdb://{tmp_path}/s",
        )
        == "[0, 0, 0, 0] 2000 True"
    )


def test_a_removed_directory_is_noticed_and_made_anew(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s")
    store.set(b"k", b"v")
    shutil.rmtree(tmp_path / "s")
    store._transactions._reclaim_at = 0.0
    for n in range(200):
        store.set(b"n", b"%d" % n)
    with Process("say(store.get(b'n'))", store.url) as other:
        assert other.line() == "b'199'"
