"""One holder at a time, and never stuck."""

import asyncio
import copy
import pickle
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from holdfast import named_stores, shared
from holdfast.shared.holders import holdings
from holdfast.stores import open_store
from tests.fresh_process import output_of
from tests.shared.conftest import BETWEEN_PROCESSES


@pytest.fixture
def report(store, name):
    yield shared.lock(name, ttl=30, timeout=10)
    assert not holdings


def elsewhere(work):
    """What *work* returns or raises in another thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def test_one_holds_it_at_a_time(report):
    inside, most, fences = 0, 0, []

    def work() -> None:
        nonlocal inside, most
        for _ in range(10):
            with report as held:
                inside += 1
                most = max(most, inside)
                fences.append(held.fence)
                time.sleep(0.001)
                inside -= 1

    with ThreadPoolExecutor(5) as pool:
        for future in [pool.submit(work) for _ in range(5)]:
            future.result()
    assert most == 1
    assert len(fences) == 50
    assert fences == sorted(set(fences))


def test_who_waits_in_vain_is_told_in_time(report):
    with report:
        begun = time.monotonic()
        with pytest.raises(shared.LockTimeout, match=r"was held by others for all of 0.2 seconds"):
            elsewhere(lambda: report.acquire(timeout=0.2))
        assert 0.2 <= time.monotonic() - begun < 2
        with pytest.raises(shared.LockTimeout):
            elsewhere(lambda: report.acquire(timeout=0))
    elsewhere(lambda: report.acquire(timeout=0).release())


def test_who_waits_has_it_soon_after_it_was_released(report):
    taken = threading.Event()

    def wait() -> float:
        taken.set()
        with report:
            return time.monotonic()

    with ThreadPoolExecutor(1) as pool:
        with report:
            future = pool.submit(wait)
            taken.wait()
            time.sleep(0.2)
        released = time.monotonic()
        assert future.result() - released < 0.2


def test_its_holder_may_not_take_it_again_by_mistake(report):
    with report:
        for again in (report, shared.lock(report.name)):
            with pytest.raises(shared.AlreadyHeld, match="Give reentrant=True"):
                again.acquire()
        assert report.held
    assert not report.held


def test_its_holder_may_take_it_again_if_it_was_said(store, name):
    lock = shared.lock(name, reentrant=True)
    with lock as outer:
        with lock as inner:
            assert inner.fence == outer.fence
        assert outer.held
        with pytest.raises(shared.LockTimeout):
            elsewhere(lambda: lock.acquire(timeout=0))
    assert not outer.held
    elsewhere(lambda: lock.acquire(timeout=0).release())


def test_held_is_said_to_its_holder_only(report):
    with report as held:
        assert report.held
        assert held.held
        assert not elsewhere(lambda: report.held)
        with pytest.raises(RuntimeError, match="is not held by this thread or task"):
            elsewhere(report.release)
        assert elsewhere(lambda: held.held)


def test_a_lock_that_was_lost_says_so_at_its_end(store, name):
    lock = shared.lock(name, ttl=1)
    others = []

    def outlast_it() -> None:
        with lock as held:
            held.check()
            time.sleep(1.2)
            assert not held.held
            with pytest.raises(shared.LockLost):
                held.check()
            # Somebody else has it meanwhile, and is not disturbed.
            others.append(elsewhere(lambda: lock.acquire(timeout=5)))
            assert others[0].fence > held.fence

    with pytest.raises(shared.LockLost, match="its ttl of 1 seconds was over"):
        outlast_it()
    assert others[0].held
    others[0].release()


@pytest.mark.parametrize("engine", BETWEEN_PROCESSES[1:], indirect=True)
def test_a_lock_that_its_store_has_no_more_says_so_before_its_time(store, name):
    lock = shared.lock(name, ttl=600)
    held = lock.acquire()
    assert held.held
    stranger = open_store(store)
    assert stranger.release(held._lock._place, held._owner)
    # The next renewal is refused.
    deadline = time.monotonic() + 30
    while held.held and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not lock.held
    with pytest.raises(shared.LockLost):
        held.check()
    with lock as again:
        assert again.held
    with pytest.raises(shared.LockLost):
        held.release()
    stranger.close()


def test_the_error_of_the_block_comes_before_that_of_a_lost_lock(store, name):
    def fail() -> None:
        with shared.lock(name, ttl=0.2):
            time.sleep(0.4)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


def test_a_lock_can_be_held_longer(store, name):
    lock = shared.lock(name, ttl=1)
    with lock as held:
        for _ in range(4):
            time.sleep(0.4)
            held.extend()
        held.extend(30)
        assert held.held
        with pytest.raises(shared.LockTimeout):
            elsewhere(lambda: lock.acquire(timeout=0))
    with pytest.raises(shared.LockLost):
        held.extend()


def test_who_took_it_again_after_losing_it_is_still_told(store, name):
    lock = shared.lock(name, ttl=0.3)

    def take_it_again() -> None:
        with lock as outer:
            time.sleep(0.5)
            with lock as inner:
                assert inner.fence > outer.fence

    with pytest.raises(shared.LockLost):
        take_it_again()
    assert not holdings


def test_releasing_it_within_the_block_is_fine(report):
    with report as held:
        report.release()
        assert not held.held
        elsewhere(lambda: report.acquire(timeout=0).release())
        held.release()


def test_a_block_that_ends_in_another_thread_lets_go(report):
    """A generator, say, that another thread closes."""
    elsewhere(report.__enter__)
    report.__exit__(None, None, None)
    elsewhere(lambda: report.acquire(timeout=0).release())


def test_a_block_that_ends_in_another_task_lets_go(report):
    async def main() -> None:
        await asyncio.create_task(report.__aenter__())
        await report.__aexit__(None, None, None)
        await (await report.aacquire(timeout=0)).arelease()

    asyncio.run(main())


def test_a_block_that_cannot_be_told_from_others_says_so(store, name):
    lock = shared.lock(name, ttl=0.2)
    elsewhere(lock.__enter__)
    time.sleep(0.3)
    elsewhere(lock.__enter__)
    with pytest.raises(RuntimeError, match="give each a lock of its own"):
        lock.__exit__(None, None, None)
    for holding in list(holdings.values()):
        holding.forget()
    holdings.clear()


def test_a_first_import_of_greenlet_within_the_block_changes_nothing(tmp_path):
    code = f"""
    import sys, holdfast
    holdfast.configure({{"STORES": {{"default": "lmdb://{tmp_path}/s"}}}})
    with holdfast.shared.lock("a", ttl=30) as held:
        assert "greenlet" not in sys.modules
        import greenlet
        assert holdfast.shared.lock("a").held
    print(held.held)
    """
    assert output_of(textwrap.dedent(code)).strip() == "False"


def test_a_lock_never_lasts_for_ever():
    with pytest.raises(TypeError, match="one that never ends may be stuck"):
        shared.lock("report", ttl=None)
    with pytest.raises(ValueError, match="more than 0"):
        shared.lock("report", ttl=0)


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
def test_a_task_that_is_cancelled_while_it_lets_go_lets_go(report, monkeypatch):
    from holdfast.stores.memory import AsyncMemoryStore

    real = AsyncMemoryStore.release
    slow = [0.2, 0]

    async def release(*arguments):
        await asyncio.sleep(slow.pop(0))
        return await real(*arguments)

    monkeypatch.setattr(AsyncMemoryStore, "release", release)

    async def use() -> None:
        async def work() -> None:
            async with report:
                pass

        working = asyncio.create_task(work())
        await asyncio.sleep(0.05)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working

    asyncio.run(use())
    elsewhere(lambda: report.acquire(timeout=0).release())


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
def test_the_lock_can_be_copied_and_its_holding_cannot(report):
    again = pickle.loads(pickle.dumps(shared.lock("a", ttl=5, timeout=3, reentrant=True)))  # noqa: S301
    assert (again.name, again.ttl, again.timeout, again.reentrant) == ("a", 5, 3, True)
    with report as held:
        assert repr(held) == f"<holdfast.shared.lock '{held.name}', held, fence {held.fence}>"
        with pytest.raises(TypeError, match="can't be copied or pickled"):
            copy.copy(held)
    assert "not held" in repr(held)


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
def test_a_lock_whose_store_answered_too_late_is_let_go(report, monkeypatch):
    store = named_stores.store("default")
    real = store.acquire

    def too_late(*arguments, **options):
        real(*arguments, **options)
        raise shared.StoreTimeout

    monkeypatch.setattr(store, "acquire", too_late, raising=True)
    with pytest.raises(shared.StoreTimeout):
        report.acquire()
    monkeypatch.undo()
    elsewhere(lambda: report.acquire(timeout=0).release())


# Awaited


def test_one_task_holds_it_at_a_time(report):
    inside, most = 0, 0

    async def work() -> None:
        nonlocal inside, most
        for _ in range(5):
            async with report:
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0.001)
                inside -= 1

    async def use() -> None:
        await asyncio.gather(*(work() for _ in range(5)))
        async with report as held:
            assert report.held
            await held.aextend(20)
            with pytest.raises(shared.AlreadyHeld):
                await report.aacquire()
        other = await report.aacquire(timeout=1)
        await report.arelease()
        await other.arelease()
        assert not report.held

    asyncio.run(use())
    assert most == 1


def test_a_waiting_task_lets_the_loop_go_on(report):
    async def use() -> None:
        ticks = 0

        async def wait() -> None:
            with pytest.raises(shared.LockTimeout):
                await report.aacquire(timeout=0.5)

        async with report:
            waiting = asyncio.create_task(wait())
            while not waiting.done():
                ticks += 1
                await asyncio.sleep(0.01)
        assert ticks > 20

    asyncio.run(use())


def test_a_cancelled_waiter_leaves_nothing_behind(report):
    async def use() -> None:
        async def wait() -> None:
            async with report:
                raise AssertionError

        async with report:
            waiting = [asyncio.create_task(wait()) for _ in range(3)]
            await asyncio.sleep(0.1)
            for task in waiting:
                task.cancel()
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}
        (await report.aacquire(timeout=2)).release()

    asyncio.run(use())


def test_greenlets_of_one_thread_are_different_holders():
    assert (
        output_of(
            """
            from gevent import monkey
            monkey.patch_all()
            import gevent
            import holdfast
            from holdfast import shared

            holdfast.configure({"STORES": {"default": "memory://"}})
            lock, inside, most = shared.lock("report"), [], []

            def work():
                for _ in range(5):
                    with lock:
                        inside.append(1)
                        most.append(len(inside))
                        gevent.sleep(0.001)
                        inside.pop()

            gevent.joinall([gevent.spawn(work) for _ in range(5)], raise_error=True)
            print(max(most), len(most))
            """
        )
        == "1 25"
    )


# Processes

HOLD = """
    import sys, time
    import holdfast
    from holdfast import shared

    holdfast.configure({"STORES": {"default": sys.argv[1]}})
    held = shared.lock(sys.argv[2], ttl=60).acquire()
    print(held.fence, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("engine", BETWEEN_PROCESSES, indirect=True)
def test_a_killed_holder_makes_way(store, name):
    program = [sys.executable, "-c", textwrap.dedent(HOLD), store, name]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as holder:
        fence = int(holder.stdout.readline())
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(lambda: shared.lock(name).acquire(timeout=20))
            time.sleep(0.3)
            assert not waiting.done()
            holder.kill()
            killed = time.monotonic()
            held = waiting.result()
            waited = time.monotonic() - killed
    assert held.fence > fence
    assert waited < (0.05 if store.startswith("lmdb") else 1.5)
    held.release()
