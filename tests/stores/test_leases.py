"""The heartbeat of locks on a networked store."""

import threading

from holdfast.stores.networked.leases import Leases
from holdfast.stores.protocol import HEARTBEAT

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
