"""What a lock is on every engine."""

import threading
import time

import pytest

from holdfast.stores.protocol import HEARTBEAT
from tests.stalls import longest_stall
from tests.stores.faces import Face, elsewhere


def test_a_lock_is_one_owners_at_a_time(store):
    fence = store.acquire(b"{l}", b"me", 10, timeout=0)
    assert isinstance(fence, int)
    assert store.acquire(b"{l}", b"you", 10, timeout=0) is None
    assert store.acquire(b"{l}", b"you", 10, timeout=0.1) is None
    assert not store.release(b"{l}", b"you")
    assert not store.renew(b"{l}", b"you", 10)
    assert store.release(b"{l}", b"me")
    assert not store.release(b"{l}", b"me")
    assert store.acquire(b"{l}", b"you", 10, timeout=0) > fence
    assert store.release(b"{l}", b"you")


def test_locks_do_not_mix(store):
    assert store.acquire(b"{l}1", b"me", 10, timeout=0)
    assert store.acquire(b"{l}2", b"me", 10, timeout=0)
    assert store.release(b"{l}1", b"me")
    assert store.acquire(b"{l}2", b"you", 10, timeout=0) is None
    assert store.release(b"{l}2", b"me")


def test_fences_only_grow(lists):
    fences = []
    for _ in range(3):
        fences.append(lists.acquire(b"{l}", b"me", 10, timeout=0))
        assert lists.release(b"{l}", b"me")
        lists.clear(b"")
    assert fences == sorted(set(fences))


def test_a_lock_is_free_after_its_ttl(store):
    first = store.acquire(b"{l}", b"me", 1.5, timeout=0)
    begun = time.monotonic()
    second = store.acquire(b"{l}", b"you", 10, timeout=5)
    assert second > first
    assert 1 < time.monotonic() - begun < 3.5
    assert not store.release(b"{l}", b"me")
    assert not store.renew(b"{l}", b"me", 10)
    assert store.release(b"{l}", b"you")


def test_a_renewed_lock_is_held_for_longer(store):
    for _ in range(3):
        assert store.acquire(b"{l}", b"me", 1.5, timeout=0)
        assert store.renew(b"{l}", b"me", 30)
        with longest_stall() as stall:
            taken = store.acquire(b"{l}", b"you", 10, timeout=2.5)
        if taken is None:
            assert store.release(b"{l}", b"me")
            return
        # A holder that stands still for a heartbeat is taken for dead.
        assert stall.seconds > HEARTBEAT / 2
        assert store.release(b"{l}", b"you")
    pytest.skip("the machine stood still again and again")


def test_a_waiter_gets_the_lock_when_it_is_released(store):
    store.acquire(b"{l}", b"me", 30, timeout=0)
    waiting = elsewhere(store, lambda store: store.acquire(b"{l}", b"you", 30, timeout=10))
    time.sleep(0.2)
    assert not waiting.done()
    begun = time.monotonic()
    assert store.release(b"{l}", b"me")
    assert waiting.result(5)
    assert time.monotonic() - begun < 0.5
    assert store.release(b"{l}", b"you")


def test_nobody_is_inside_together(store):
    inside, most = [], []

    def enter(store: Face) -> None:
        me = str(threading.get_ident()).encode()
        for _ in range(15):
            assert store.acquire(b"{l}", me, 30, timeout=30) is not None
            inside.append(me)
            most.append(len(inside))
            time.sleep(0.001)
            inside.remove(me)
            assert store.release(b"{l}", me)

    for done in [elsewhere(store, enter) for _ in range(4)]:
        done.result(60)
    assert max(most) == 1
    assert len(most) == 60
