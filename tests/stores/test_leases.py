"""The heartbeat of locks on a networked store."""

import threading
import time

import pytest

from holdfast.stores import open_store
from holdfast.stores.networked.leases import Leases
from holdfast.stores.protocol import HEARTBEAT
from tests.services.memcached import running_memcached
from tests.stalls import longest_stall

LEASE = (b"lock", b"owner")


def test_a_lease_renewed_while_its_old_end_is_written_is_written_anew_at_once(monkeypatch):
    written: list[float] = []
    again = threading.Event()

    def extend(held):
        written.append(held[LEASE])
        if len(written) == 1:
            # The holder renews between the reading of its old end and the writing.
            leases.hold(*LEASE, 30)
            # Not by the next beat.
            monkeypatch.setattr("holdfast.stores.networked.leases.BEAT", 3600)
        else:
            again.set()
        return set()

    leases = Leases(extend, "a test")
    leases.hold(*LEASE, HEARTBEAT)
    assert again.wait(10)
    leases.let_all_go()
    assert written[0] < HEARTBEAT
    assert written[1] == HEARTBEAT


def test_a_lease_taken_anew_while_it_is_found_lost_is_kept():
    writes = threading.Semaphore(0)

    def extend(held):
        if not first.is_set():
            first.set()
            leases.hold(*LEASE, 30)
            return {LEASE}
        writes.release()
        return set()

    first = threading.Event()
    leases = Leases(extend, "a test")
    leases.hold(*LEASE, 20)
    assert writes.acquire(timeout=10)
    assert writes.acquire(timeout=10)
    leases.let_all_go()


def test_a_lost_lease_is_renewed_no_more():
    held_by_then: list[set] = []
    other = (b"other", b"owner")
    done = threading.Event()

    def extend(held):
        held_by_then.append(set(held))
        if len(held_by_then) == 2:
            done.set()
        return {LEASE}

    leases = Leases(extend, "a test")
    leases.hold(*other, 20)
    leases.hold(*LEASE, 20)
    assert done.wait(10)
    leases.let_all_go()
    assert held_by_then[0] == {LEASE, other}
    assert held_by_then[1] == {other}


def test_an_error_that_nobody_expects_ends_no_beats(caplog):
    renewed = threading.Event()
    calls = 0

    def extend(_held):
        nonlocal calls
        calls += 1
        if calls < 3:
            raise TypeError("a connection was closed meanwhile")
        renewed.set()
        return set()

    leases = Leases(extend, "a test")
    leases.hold(*LEASE, 20)
    assert renewed.wait(10)
    leases.let_all_go()
    (told,) = [one for one in caplog.records if "could not be renewed" in one.message]
    assert told.exc_info is not None


def test_a_server_that_hangs_keeps_nobody_from_renewing_on_another():
    hangs, renewed = threading.Event(), threading.Semaphore(0)
    other = (b"other", b"owner")

    def extend(held):
        if LEASE in held:
            hangs.wait(20)
        else:
            renewed.release()
        return set()

    leases = Leases(extend, "a test", server=lambda key: key)
    leases.hold(*LEASE, 20)
    leases.hold(*other, 20)
    try:
        for _ in range(3):
            assert renewed.acquire(timeout=10)
    finally:
        leases.let_all_go()
        hangs.set()


def test_the_lock_after_one_that_no_thread_could_be_started_for_is_renewed(monkeypatch):
    renewed = threading.Event()

    def extend(_held):
        renewed.set()
        return set()

    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    leases = Leases(extend, "a test")
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError):
        leases.hold(*LEASE, 20)
    monkeypatch.undo()
    leases.let_go(*LEASE)
    leases.hold(b"next", b"owner", 20)
    assert renewed.wait(10)
    leases.let_all_go()


def test_a_lost_lease_is_known_to_be_lost_until_its_holder_lets_go():
    extended = threading.Semaphore(0)

    def extend(_held):
        extended.release()
        return {LEASE}

    leases = Leases(extend, "a test")
    assert leases.still_held(*LEASE)
    leases.hold(*LEASE, 20)
    assert leases.still_held(*LEASE)
    leases.hold(b"other", b"owner", 20)
    # At the second beat, what the first was told has been noted.
    for _ in range(2):
        assert extended.acquire(timeout=10)
    assert not leases.still_held(*LEASE)
    assert leases.still_held(b"other", b"owner")
    leases.let_go(*LEASE)
    assert leases.still_held(*LEASE)
    leases.let_all_go()


def test_a_lease_counts_from_before_it_was_asked_for():
    leases = Leases(lambda _held: set(), "a test")
    leases.hold(*LEASE, 5, time.monotonic() - 10)
    assert not leases.still_held(*LEASE)
    leases.let_all_go()


@pytest.mark.needs("memcached")
@pytest.mark.parametrize("fault", ["stop", "hang"])
def test_one_memcached_that_is_away_loses_no_lock_on_another(fault):
    with running_memcached() as one, running_memcached() as two:
        url = f"{one.url},127.0.0.1:{two.port}"
        holder, waiter = open_store(url, timeout=5), open_store(url, timeout=5)
        server = holder.records.spaces.names.server
        on = {server(b"%d" % number): b"%d" % number for number in range(40)}
        first, second = on[0], on[1]
        assert holder.acquire(first, b"me", 60, timeout=0)
        assert holder.acquire(second, b"me", 60, timeout=0)
        getattr(one, fault)()
        with longest_stall() as stall:
            taken = waiter.acquire(second, b"you", 60, timeout=2.5)
        one.stop()
        holder.close()
        waiter.close()
    if taken is not None and stall.seconds > HEARTBEAT / 2:
        pytest.skip("the machine stood still")
    assert taken is None
