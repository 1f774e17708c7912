"""An empty cache in each kind of store."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.django.cache import EmbeddedCache, GuardedCache

_numbers = itertools.count()

Make = Callable[..., Any]


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


@pytest.fixture(
    params=[
        "embedded",
        pytest.param("redis", marks=pytest.mark.needs("redis")),
        pytest.param("memcached", marks=pytest.mark.needs("memcached")),
    ]
)
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(place: str, request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Makes a backend on this test's own store, from what stands beside LOCATION in CACHES."""
    if place == "embedded":
        return lambda **params: EmbeddedCache(tmp_path / "cache", params)
    url = f"{request.getfixturevalue(f'{place}_url')}?prefix=cache-test-{next(_numbers)}:"
    return lambda **params: GuardedCache(url, params)


@pytest.fixture
def cache(make: Make) -> Any:
    return make()
