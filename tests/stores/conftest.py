"""Every engine, by the URL of an empty store of it."""

import importlib.util
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.stores import UnsupportedByStoreError, open_store
from tests.stores.faces import face

ENGINES = [
    "memory",
    "lmdb",
    pytest.param("redis", marks=pytest.mark.needs("redis")),
    pytest.param("memcached", marks=pytest.mark.needs("memcached")),
]

_numbers = itertools.count()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    from tests.services.redis import running_redis

    with running_redis() as server:
        yield server.url


@pytest.fixture(scope="session")
def memcached_url() -> Iterator[str]:
    from tests.services.memcached import running_memcached

    with running_memcached() as server:
        yield server.url


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The kind of store; tests that not all kinds can pass name theirs."""
    name: str = request.param
    if importlib.util.find_spec(f"holdfast.stores.{name}") is None:
        pytest.skip(f"there is no {name} yet")
    return name


@pytest.fixture
def store_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store of that kind is; on a server, under a prefix of its own."""
    if engine in {"redis", "memcached"}:
        return f"{request.getfixturevalue(f'{engine}_url')}?prefix=t{next(_numbers)}:"
    return {"memory": "memory://", "lmdb": f"lmdb://{tmp_path / 'store'}"}[engine]


@pytest.fixture(params=["sync", "async"])
def store(request: pytest.FixtureRequest, store_url: str) -> Iterator[Any]:
    opened = open_store(store_url, timeout=10)
    store = face(opened, request.param)
    yield store
    store.leave()
    opened.close()


@pytest.fixture
def lists(store: Any) -> Any:
    """The store, if it can list its keys."""
    try:
        store.scan(b"")
    except UnsupportedByStoreError:
        pytest.skip("this store can't list its keys")
    return store
