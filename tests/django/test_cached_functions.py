"""What functions with `holdfast.cached` know of Django."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, connections
from django.http import Http404
from django.utils.functional import SimpleLazyObject

import holdfast
from holdfast import framework
from holdfast.cache import counts
from holdfast.cache.keys import encode
from tests.django.tracking.shop.models import Article, Place, Published, Restaurant


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path) -> Iterator[None]:
    holdfast.configure({"STORES": {"cache": f"lmdb://{tmp_path}"}})
    yield
    holdfast.configure({})


@pytest.mark.parametrize("error", [Http404, User.DoesNotExist])
def test_errors_that_say_there_is_none_are_kept(error: type[Exception]) -> None:
    name = error.__qualname__

    @holdfast.cached(300, negative_ttl=60, name=name)
    def f():
        raise error("there is none")

    for _ in range(4):
        with pytest.raises(error, match="there is none"):
            f()
    assert counts(name).loads == 1
    assert issubclass(User.DoesNotExist, ObjectDoesNotExist)


def test_an_instance_is_its_primary_key() -> None:
    assert encode(User(pk=7, username="a")) == encode(User(pk=7, username="b"))
    assert encode(User(pk=7)) != encode(User(pk=8))
    assert encode(User(pk=7)) != encode(Group(pk=7))
    with pytest.raises(TypeError, match=r"auth\.Permission that was not saved"):
        encode(Permission())


def lazily(value: object) -> object:
    return SimpleLazyObject(lambda: value)


def test_a_lazy_object_is_what_it_stands_for() -> None:
    user = User(pk=7)
    assert encode(lazily(user)) == encode(user) == encode(lazily(lazily(user)))
    assert encode(lazily(Group(pk=7))) != encode(lazily(user))
    for plain in (7, "a", (1, 2), {"a": 1}):
        assert encode(lazily(plain)) == encode(plain)
    with pytest.raises(TypeError, match=r"made of a django\.contrib\.auth\.models\.AnonymousUser"):
        encode(lazily(AnonymousUser()))


def test_whoever_names_a_row_makes_its_results_untrue() -> None:
    loads = []

    @holdfast.cached(300, name="named by row")
    def f(article: object) -> int:
        loads.append(article)
        return len(loads)

    def loaded(pk: int, model: type[Article] = Article, alias: str = "default") -> Article:
        made = model(pk=pk)
        made._state.db = alias
        return made

    for names_it in (
        loaded(7),
        Article(pk=7),
        loaded(7, Published),
        lazily(loaded(7)),
        lazily(Published(pk=7)),
    ):
        before = f(loaded(7))
        assert f(names_it) == before
        f.invalidate(names_it)
        assert f(loaded(7)) == before + 1


def test_a_row_of_a_parent_is_another_one() -> None:
    assert encode(Place(pk=7)) != encode(Restaurant(pk=7))


def test_databases_are_told_apart_but_for_a_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    def at(alias: str) -> bytes:
        user = User(pk=7)
        user._state.db = alias
        return encode(user)

    given = connections.settings["default"]
    mirror = {**given, "TEST": {**given["TEST"], "MIRROR": "default"}}
    monkeypatch.setitem(connections.settings, "replica", mirror)
    monkeypatch.setitem(connections.settings, "shard", given)
    assert at("replica") == at("default")
    assert len({at("default"), at("shard"), at("of another process")}) == 3


def test_connections_that_the_background_opened_are_closed() -> None:
    seen = []

    @holdfast.cached(0.05, stale=60, jitter=0, early=0, name="in the background")
    def f():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        seen.append((threading.current_thread(), connection.connection))
        return len(seen)

    f()
    time.sleep(0.06)
    closed = []
    framework.after_background_work.append(lambda: closed.append(connection.connection))
    try:
        f()
        deadline = time.monotonic() + 20
        while not closed:
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        framework.after_background_work.pop()
    assert seen[1][0] is not threading.current_thread()
    assert seen[1][1] is not None
    assert closed == [None]
