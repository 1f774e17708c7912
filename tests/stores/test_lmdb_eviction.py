"""Which records of a full cache go: those that nobody asks for."""

import bisect
import itertools
import random
import time
from collections import OrderedDict

import pytest

from holdfast.stores import open_store
from tests.stores.processes import Process

VALUE = b"x" * 950


def zipf(keys: int, length: int, exponent: float = 0.9, seed: int = 7) -> list[int]:
    """Requests as they come to a web site: few keys are asked for often, most once or twice."""
    choice = random.Random(seed)
    weights = list(itertools.accumulate(1 / (rank**exponent) for rank in range(1, keys + 1)))
    names = list(range(keys))
    choice.shuffle(names)
    return [names[bisect.bisect(weights, choice.random() * weights[-1])] for _ in range(length)]


def hits_of_random(trace: list[int], room: int) -> float:
    held: dict[int, int] = {}
    order: list[int] = []
    choice = random.Random(3)
    hits = 0
    for key in trace:
        if key in held:
            hits += 1
            continue
        if len(order) >= room:
            place = choice.randrange(len(order))
            del held[order[place]]
            order[place] = order[-1]
            held[order[place]] = place
            order.pop()
            held.pop(key, None)
        held[key] = len(order)
        order.append(key)
    return hits / len(trace)


def hits_of_lru(trace: list[int], room: int) -> float:
    held: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for key in trace:
        if key in held:
            hits += 1
            held.move_to_end(key)
            continue
        if len(held) >= room:
            held.popitem(last=False)
        held[key] = None
    return hits / len(trace)


def test_what_is_asked_for_often_stays_more_often_than_by_chance_or_by_age(tmp_path):
    trace = zipf(30_000, 120_000)
    store = open_store(f"lmdb://{tmp_path}/s", purpose="cache", size="4MB")
    hits = 0
    for key in trace:
        name = b"%d" % key
        if store.get(name) is None:
            store.set(name, VALUE, 600)
        else:
            hits += 1
    ours = hits / len(trace)
    room = store.stats()["records"]
    chance, lru = hits_of_random(trace, room), hits_of_lru(trace, room)
    print(f"{room} records: SIEVE {ours:.3f}, LRU {lru:.3f}, random {chance:.3f}")
    assert ours > chance + 0.01
    assert ours > lru


def test_what_is_read_again_and_again_survives_a_flood(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s", purpose="cache", size="1MB")
    hot = [b"hot%d" % n for n in range(50)]
    store.set_many(dict.fromkeys(hot, VALUE))
    for n in range(5000):
        store.set(b"flood%d" % n, VALUE)
        store.get(hot[n % 50])
    assert len(store.get_many(hot)) == 50


def test_reads_of_another_process_count_too(tmp_path):
    url = f"lmdb://{tmp_path}/s?size=1MB"
    store = open_store(url, purpose="cache")
    store.set_many({b"hot%d" % n: VALUE for n in range(20)})
    with Process(
        """
        cache = open_store(sys.argv[1], purpose="cache")
        for _ in range(1000):
            say(len(cache.get_many([b"hot%d" % n for n in range(20)])))
            input()
        """,
        url,
    ) as reader:
        for n in range(3000):
            if n % 100 == 0:
                assert reader.line() == "20"
                reader.go_on()
            store.set(b"flood%d" % n, VALUE)


def test_a_write_that_evicts_looks_at_few_records_however_many_are_marked(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s", purpose="cache", size="4MB")
    for n in range(6000):
        store.set(b"%d" % n, VALUE)
    # All were used: the hand must take away marks, a slice at a time.
    for n in range(6000):
        store.get(b"%d" % n)
    before = store.stats()["evicted"]
    looked_at = []
    marks = store._marks.bytes
    for n in range(300):
        marked = sum(marks[:])
        store.set(b"new%d" % n, VALUE)
        looked_at.append(marked - sum(marks[:]))
    assert 0 < max(looked_at) <= 256
    # And once they are gone, records go again.
    assert store.stats()["evicted"] > before


@pytest.mark.parametrize("size", ["256KB", "64MB"])
def test_expired_records_go_before_others(tmp_path, size):
    store = open_store(f"lmdb://{tmp_path}/s", purpose="cache", size=size)
    for n in range(50):
        store.set(b"short%d" % n, VALUE, 0.05)
        store.set(b"long%d" % n, VALUE)
    time.sleep(0.1)
    store._transactions._care_at = 0.0
    store.set(b"k", b"v")
    assert store.stats()["records"] == 51
    assert store.stats()["expiring"] == 0
