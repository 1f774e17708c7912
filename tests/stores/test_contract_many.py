"""What every engine that can list its keys does with many records."""

from typing import Any

import pytest


def all_keys(store: Any, prefix: bytes, limit: int) -> list[bytes]:
    found, after = [], None
    while True:
        page = store.scan(prefix, after=after, limit=limit)
        found += page.keys
        if page.after is None:
            return found
        after = page.after


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_scanning_meets_each_key_with_the_prefix(lists, limit):
    expected = {b"{a}%d" % n for n in range(25)} | {b"{a}" + b"x" * 600 + b"%d" % n for n in (1, 2)}
    lists.set_many(dict.fromkeys(expected, b"v"))
    lists.set_many({b"{b}1": b"v", b"{": b"v"})
    assert set(all_keys(lists, b"{a}", limit)) == expected
    assert set(all_keys(lists, b"{a}" + b"x" * 590, limit)) == {k for k in expected if len(k) > 99}
    assert set(all_keys(lists, b"", limit)) == expected | {b"{b}1", b"{"}


def test_scanning_meets_what_is_there_all_the_while(lists):
    lists.set_many({b"{a}%03d" % n: b"v" for n in range(200)})
    found, after = set(), None
    for round_ in range(1000):
        page = lists.scan(b"{a}", after=after, limit=10)
        found |= set(page.keys)
        lists.set(b"{a}%03d-new" % (round_ * 7 % 200), b"v")
        lists.delete(b"{a}%03d" % (round_ * 2 % 200 | 1))
        if page.after is None:
            break
        after = page.after
    assert found >= {b"{a}%03d" % n for n in range(0, 200, 2)}


def test_clearing_ends_beside_many_long_keys_that_begin_alike(lists):
    alike, prefix = b"x" * 480, b"x" * 480 + b"b"
    lists.set_many({b"%sa%d" % (alike, number): b"v" for number in range(600)})
    lists.set_many({b"%s%d" % (prefix, number): b"v" for number in range(5)})
    assert lists.clear(prefix) == 5
    assert lists.clear(alike) == 600


def test_clearing_deletes_what_begins_with_the_prefix(lists):
    lists.set_many({b"{a}%d" % n: b"v" for n in range(1300)})
    lists.set_many({b"{b}%d" % n: b"v" for n in range(3)})
    assert lists.clear(b"{a}") == 1300
    assert lists.get(b"{a}1") is None
    assert lists.get(b"{b}1") == b"v"
    assert lists.clear(b"{a}") == 0
    lists.clear(b"")
    assert all_keys(lists, b"", 10) == []
    lists.set(b"{a}1", b"anew", 50)
    assert lists.get(b"{a}1") == b"anew"
