"""How every engine notes changes, and wakes who waits for one."""

import time

from holdfast.stores.protocol import Operation
from tests.stores.faces import elsewhere

TOPIC = b"{t}"


def test_each_write_with_a_topic_is_noted(lists):
    store = lists
    start = store.position(TOPIC)
    assert start == 0
    store.set(b"{t}a", b"1!", topic=TOPIC)
    store.set_many({b"{t}b": b"1!", b"{t}c": b"1!"}, topic=TOPIC)
    assert store.add(b"{t}d", b"1!", topic=TOPIC)
    assert not store.add(b"{t}d", b"1!", topic=TOPIC)
    _, token = store.gets(b"{t}a")
    assert store.replace(b"{t}a", b"2!", token, topic=TOPIC)
    assert not store.replace(b"{t}a", b"3!", token, topic=TOPIC)
    store.delete(b"{t}b", topic=TOPIC)
    store.delete(b"{t}none", topic=TOPIC)
    store.delete_many([b"{t}c", b"{t}none"], topic=TOPIC)
    _, token = store.gets(b"{t}a")
    assert store.replace(b"{t}a", None, token, topic=TOPIC)
    store.set(b"{t}unnoted", b"1!")
    store.clear(b"{t}", topic=TOPIC)
    found = store.changes(TOPIC, start)
    assert found.complete
    s, d, c = Operation.SET, Operation.DELETE, Operation.CLEAR
    assert [(change.operation, change.key) for change in found.changes] == [
        (s, b"{t}a"),
        (s, b"{t}b"),
        (s, b"{t}c"),
        (s, b"{t}d"),
        (s, b"{t}a"),
        (d, b"{t}b"),
        (d, b"{t}c"),
        (d, b"{t}a"),
        (c, b""),
    ]
    assert found.newest == found.changes[-1].position == store.position(TOPIC)


def test_changes_go_on_from_any_position(store):
    for n in range(10):
        store.set(b"{t}%d" % n, b"v", topic=TOPIC)
    everything = store.changes(TOPIC, 0)
    assert everything.complete
    positions = [change.position for change in everything.changes]
    assert positions == sorted(set(positions))
    first = store.changes(TOPIC, 0, limit=4)
    assert first.changes == everything.changes[:4]
    rest = store.changes(TOPIC, positions[3])
    assert rest.complete
    assert rest.changes == everything.changes[4:]
    nothing = store.changes(TOPIC, everything.newest)
    assert (nothing.changes, nothing.complete) == ([], True)


def test_topics_do_not_mix(store):
    store.set(b"{t}a", b"v", topic=b"{t}1")
    store.set(b"{t}b", b"v", topic=b"{t}2")
    assert [change.key for change in store.changes(b"{t}1", 0).changes] == [b"{t}a"]
    assert [change.key for change in store.changes(b"{t}2", 0).changes] == [b"{t}b"]
    assert store.changes(b"{t}3", 0).changes == []


def test_waiting_ends_with_the_next_change(store):
    store.set(b"{t}a", b"v", topic=TOPIC)
    since = store.position(TOPIC)
    assert store.wait_for_change(TOPIC, since - 1, 5)
    begun = time.monotonic()
    assert not store.wait_for_change(TOPIC, since, 0.2)
    assert 0.15 < time.monotonic() - begun < 2
    woken = elsewhere(store, lambda store: store.wait_for_change(TOPIC, since, 10))
    time.sleep(0.2)
    assert not woken.done()
    begun = time.monotonic()
    store.set(b"{t}a", b"w", topic=TOPIC)
    assert woken.result(5)
    assert time.monotonic() - begun < 0.5
