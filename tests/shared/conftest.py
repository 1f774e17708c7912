"""Shared state on every kind of store that there is."""

import importlib.util
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import holdfast
from holdfast import shared

ENGINES = [
    "memory",
    "lmdb",
    pytest.param("redis", marks=pytest.mark.needs("redis")),
    pytest.param("memcached", marks=pytest.mark.needs("memcached")),
]
#: Those that other processes see, too.
BETWEEN_PROCESSES = ENGINES[1:]
#: Those that can list their keys.
LISTING = ENGINES[:3]

KEY = "a key for the tests only"

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
    """Where an empty store of that kind is."""
    if engine in {"redis", "memcached"}:
        url: str = request.getfixturevalue(f"{engine}_url")
        return url
    return {"memory": f"memory://{next(_numbers)}", "lmdb": f"lmdb://{tmp_path / 'state'}"}[engine]


@pytest.fixture
def store(store_url: str) -> Iterator[str]:
    """The store "default" is of that kind, and pickles are signed."""
    holdfast.configure({"STORES": {"default": store_url}, "KEY": KEY})
    yield store_url
    holdfast.configure({})


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"{os.getpid()}-{next(_numbers)}"


@pytest.fixture
def flags(store: str, name: str) -> shared.Dict:
    """An empty shared dict."""
    return shared.dict(name)
