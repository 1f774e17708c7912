"""What functions with `holdfast.cached` know of Django."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.http import Http404

import holdfast
from holdfast import framework
from holdfast.cache import counts
from holdfast.cache.keys import encode


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
