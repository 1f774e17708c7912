"""What Django's own tests don't ask of a cache."""

import logging
import os
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache.backends.base import CacheKeyWarning
from django.core.cache.backends.locmem import LocMemCache
from django.test import override_settings
from django.utils.safestring import SafeString, mark_safe

from holdfast.django.cache import EmbeddedCache, GuardedCache, NotCacheable
from holdfast.django.cache.spaces import PREFIX
from holdfast.stores import StoreUnavailable

KEYS = [
    "plain",
    "with space",
    "tab\t",
    "nul\0",
    "del\x7f",
    "清",
    "zero-width\u200b",
    "no-break\xa0space",
    "x" * 246,
    "x" * 247,
    "x" * 300,
    "\ud800",
    7,
]


def warned(cache: Any, key: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CacheKeyWarning)
        cache.get(key)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize("key", KEYS)
def test_keys_are_warned_of_just_where_django_warns(cache: Any, key: Any) -> None:
    assert warned(cache, key) == warned(LocMemCache("keys", {}), key)


@pytest.mark.filterwarnings("ignore::django.core.cache.CacheKeyWarning")
def test_keys_of_any_length_and_characters_are_kept_apart(cache: Any) -> None:
    keys = [*KEYS, *(f"{'x' * 300}{number}" for number in range(5))]
    cache.set_many({key: f"value of {key!r}" for key in keys})
    assert cache.get_many(keys) == {key: f"value of {key!r}" for key in keys}
    assert all(cache.get(key) == f"value of {key!r}" for key in keys)


def test_a_subclass_may_make_its_own_keys(tmp_path: Any) -> None:
    class Shouting(EmbeddedCache):
        def make_key(self, key: Any, version: Any = None) -> str:
            return super().make_key(str(key).upper(), version)

    cache = Shouting(tmp_path, {})
    cache.set("key", 1)
    assert cache.get("KEY") == 1


def test_entries_live_for_the_default_timeout_unless_told_otherwise(make: Any) -> None:
    cache = make(TIMEOUT=100, OPTIONS={"SPREAD": 0})
    for_ever = make(TIMEOUT=None)
    cache.set("a", 1)
    cache.set("b", 1, None)
    for_ever.set("c", 1)
    left = cache._store.expires_in
    assert 98 < left(cache._place("a", None)) <= 100
    assert left(cache._place("b", None)) is None
    assert left(cache._place("c", None)) is None


def test_counting_leaves_the_time_to_live_as_it_is(make: Any) -> None:
    cache = make(OPTIONS={"SPREAD": 0})
    cache.set("whole", 1, 1000)
    cache.set("fraction", 1.5, 1000)
    cache.incr("whole")
    cache.incr("fraction")
    left = cache._store.expires_in
    assert 900 < left(cache._place("whole", None)) <= 1000
    assert 900 < left(cache._place("fraction", None)) <= 1000


def test_anything_that_can_be_added_to_can_be_counted(cache: Any) -> None:
    cache.set("fraction", 1.5)
    assert cache.incr("fraction") == 2.5
    cache.set("large", 2**63 - 1)
    assert cache.incr("large") == 2**63
    assert cache.incr("large", 2**70) == 2**63 + 2**70
    cache.set("small", 1)
    assert cache.incr("small", 0.5) == 1.5
    cache.set("text", "a")
    with pytest.raises(TypeError):
        cache.incr("text")


@pytest.mark.parametrize(("first", "step"), [(0, 1), (0.5, 0.25)])
def test_no_increment_is_lost(make: Any, first: float, step: float) -> None:
    make().set("hits", first, None)

    def count() -> None:
        cache = make(OPTIONS={"STORE_TIMEOUT": 20})
        for _ in range(50):
            cache.incr("hits", step)

    with ThreadPoolExecutor(4) as pool:
        for counting in [pool.submit(count) for _ in range(4)]:
            counting.result()
    assert make().get("hits") == first + 200 * step


def test_values_come_back_as_what_they_were(cache: Any, database: None) -> None:
    from django.contrib.auth.models import User

    user = User.objects.create(username="ann")
    cache.set("user", user)
    cache.set("users", User.objects.filter(username="ann"))
    cache.set("safe", mark_safe("<b>"))
    assert cache.get("user").username == "ann"
    assert list(cache.get("users")) == [user]
    assert type(cache.get("safe")) is SafeString


def test_a_response_from_a_template_comes_back(cache: Any) -> None:
    from django.template.response import TemplateResponse
    from django.test import RequestFactory

    response = TemplateResponse(RequestFactory().get("/"), "page.html", {"more": "here"}).render()
    cache.set("page", response)
    assert cache.get("page").content == response.content


def test_what_cannot_be_stored_is_named_with_its_key(cache: Any) -> None:
    with pytest.raises(NotCacheable, match=r"'call'.*function.*\['back'\]"):
        cache.set("call", {"back": lambda: None})
    with pytest.raises(NotCacheable, match="'call'"):
        cache.set_many({"fine": 1, "call": threading.Lock()})


def test_a_value_signed_with_an_unknown_key_is_refused_and_replaced(
    cache: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with override_settings(SECRET_KEY="of somebody else"):
        cache.set("price", mark_safe("7"), None)
        assert cache.get("price") == "7"
    with caplog.at_level(logging.WARNING, "holdfast.security"):
        assert cache.get("price", "none") == "none"
    assert len(caplog.records) == 1
    # Not in the way of a sound one either.
    assert cache.add("price", 8) is True


def test_the_fallbacks_of_the_secret_key_are_accepted(cache: Any) -> None:
    with override_settings(SECRET_KEY="the old one"):
        cache.set("price", mark_safe("7"))
    with override_settings(SECRET_KEY_FALLBACKS=["the old one"]):
        assert cache.get("price") == "7"


def test_pickles_can_be_forbidden(make: Any) -> None:
    make().set("safe", mark_safe("x"))
    plain_only = make(OPTIONS={"PICKLE": False})
    assert plain_only.get("safe") is None
    with pytest.raises(NotCacheable, match="pickle is forbidden"):
        plain_only.set("safe", mark_safe("x"))


def test_clearing_touches_nothing_else_in_the_store(cache: Any) -> None:
    cache.set("mine", 1)
    cache._store.set(b"somebody's", b"else")
    cache.clear()
    assert cache.get("mine") is None
    assert cache._store.get(b"somebody's") == b"else"


@pytest.mark.parametrize(
    "place", ["embedded", pytest.param("redis", marks=pytest.mark.needs("redis"))], indirect=True
)
def test_there_are_never_more_entries_than_allowed(make: Any) -> None:
    cache = make(OPTIONS={"MAX_ENTRIES": 40})
    writes: list[Callable[[int], Any]] = [
        lambda number: cache.set(f"set {number}".replace(" ", "-"), 1),
        lambda number: cache.add(f"add-{number}", 1),
        lambda number: cache.set_many({f"many-{number}-{one}": 1 for one in range(3)}),
        lambda number: cache.touch(f"add-{number}"),
    ]
    for number in range(200):
        writes[number % 4](number)
        keys = cache._store.scan(PREFIX.encode()).keys
        assert len(keys) <= 40
    assert cache.get("many-198-0") == 1


def test_a_child_process_goes_on_with_the_cache_it_was_forked_with(cache: Any) -> None:
    cache.set("before", 1)
    child = os.fork()
    if child == 0:
        seen = cache.get("before")
        cache.set("from the child".replace(" ", "-"), seen)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert cache.get("from-the-child") == 1
    assert cache.incr("before") == 2


@pytest.mark.needs("redis")
def test_while_the_server_is_away_each_call_fails_in_time_and_then_works_again() -> None:
    from tests.services.redis import running_redis

    with running_redis() as server:
        cache = GuardedCache(server.url, {"OPTIONS": {"STORE_TIMEOUT": 0.3, "OUTAGE": "raise"}})
        cache.set("a", 1)
        server.hang()
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            cache.get("a")
        assert time.monotonic() - began < 1
        server.go_on()
        assert cache.get("a") == 1
        server.stop()
        with pytest.raises(StoreUnavailable):
            cache.set("a", 2)
        server.start()
        cache.set("a", 2)
        assert cache.get("a") == 2
        cache._store.close()
