"""Cached results on every kind of store that there is, by sync and by async callers."""

import asyncio
import contextvars
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import holdfast
from holdfast import named_stores

ENGINES = [
    "memory",
    "lmdb",
    pytest.param("redis", marks=pytest.mark.needs("redis")),
    pytest.param("memcached", marks=pytest.mark.needs("memcached")),
]
#: Those that other processes see, too.
BETWEEN_PROCESSES = ENGINES[1:]

KEY = "a key for the tests only"
#: A store on a network that is new stores nothing for as long as a commit may take.
COMMIT_TIMEOUT = 0.1

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
    """The kind of store; tests that are not about that take "lmdb" or "memory"."""
    name: str = request.param
    return name


@pytest.fixture
def store_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store of that kind is; on a server, one that all tests share."""
    if engine in {"redis", "memcached"}:
        url: str = request.getfixturevalue(f"{engine}_url")
        return f"{url}?prefix=c{os.getpid()}:"
    return {"memory": f"memory://{next(_numbers)}", "lmdb": f"lmdb://{tmp_path / 'store'}"}[engine]


@pytest.fixture
def configure(store_url: str) -> Iterator[Callable[..., None]]:
    """Apply settings for that store, with these of HOLDFAST["CACHE"] beside."""

    def apply(**settings: Any) -> None:
        cache = {"COMMIT_TIMEOUT": COMMIT_TIMEOUT, **settings}
        holdfast.configure({"STORES": {"cache": store_url}, "KEY": KEY, "CACHE": cache})

    yield apply
    holdfast.configure({})


@pytest.fixture
def store(configure: Callable[..., None], store_url: str) -> str:
    """The store "cache" is of that kind, and takes results."""
    configure()
    until_it_stores()
    return store_url


def until_it_stores() -> None:
    tags = named_stores.store("cache").tags
    wait_for(lambda: tags.stamp() is not None)


def wait_for(true: Callable[[], object], patience: float = 20) -> None:
    """Until *true* is."""
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"{os.getpid()}-{next(_numbers)}"


class Face:
    """One way to call what is cached: as functions, or as coroutine functions.

    Tests write their loaders as functions; `cached` decorates them as what this face needs, and
    what it returns is called as a function, whichever it is. Each thread has an event loop of its
    own that lives as long as this.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._of_thread = threading.local()
        self._runners: list[asyncio.Runner] = []

    def cached(self, name: str, ttl: float | None = 300, **options: Any) -> Any:
        """As `holdfast.cached`, with the name that keeps tests apart."""

        def decorate(function: Any) -> Any:
            decorated = holdfast.cached(ttl, name=name, **options)
            if self.kind == "sync":
                return decorated(function)
            return Called(self, decorated(as_coroutine_function(function)))

        return decorate

    def run(self, coroutine: Any) -> Any:
        runner = getattr(self._of_thread, "runner", None)
        if runner is None:
            runner = self._of_thread.runner = asyncio.Runner()
            self._runners.append(runner)
        return runner.run(coroutine, context=contextvars.copy_context())

    def linger(self, seconds: float = 0.05) -> None:
        """Let what was started in the background go on: a loop that nobody runs stands still."""
        if self.kind == "sync":
            time.sleep(seconds)
        else:
            self.run(asyncio.sleep(seconds))

    def wait_for(self, true: Callable[[], object]) -> None:
        deadline = time.monotonic() + 20
        while not true():
            assert time.monotonic() < deadline, "waited in vain"
            self.linger(0.005)

    def close(self) -> None:
        for runner in self._runners:
            runner.close()


class Called:
    """A cached coroutine function, to be called as a function."""

    def __init__(self, face: Face, function: Any) -> None:
        self._face = face
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._face.run(self.function(*args, **kwargs))

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.function, name)
        if name in {"invalidate", "ainvalidate", "refresh", "peek"}:
            return lambda *args, **kwargs: self._face.run(found(*args, **kwargs))
        return found


def as_coroutine_function(function: Any) -> Any:
    """*function*, as async code would have it; blocking in it lets other tasks go on."""
    import functools

    @functools.wraps(function)
    async def awaited(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        return await result if asyncio.iscoroutine(result) else result

    return awaited


@pytest.fixture(params=["sync", "async"])
def face(request: pytest.FixtureRequest) -> Iterator[Face]:
    face = Face(request.param)
    yield face
    face.close()


def elsewhere(work: Callable[[], Any]) -> "Task":
    """*work*, done by another thread from now on."""
    return Task(work)


class Task:
    """A thread with a result."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._outcome: list[Any] = []
        self._error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._outcome.append(self._work())
        except BaseException as error:
            self._error = error

    def result(self, patience: float = 30) -> Any:
        self.thread.join(patience)
        assert not self.thread.is_alive(), "it did not end"
        if self._error is not None:
            raise self._error
        return self._outcome[0]


def together(count: int, work: Callable[[], Any]) -> list[Any]:
    """The results of that many threads that begin at once."""
    barrier = threading.Barrier(count)

    def run() -> Any:
        barrier.wait()
        return work()

    return [task.result() for task in [elsewhere(run) for _ in range(count)]]
