"""The backends, with each call made in another way: by another process, thread or event loop.

Django's tests call a cache from one place. These classes stand in `BACKEND` while they do, and pass
the calls on, so that what one place wrote is read in another.
"""

import asyncio
import atexit
import contextvars
import functools
import itertools
import multiprocessing
import pickle
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT

from holdfast.django.cache import EmbeddedCache, GuardedCache

#: What the backends do themselves; the rest Django makes of these.
CALLS = (
    "add",
    "get",
    "set",
    "touch",
    "delete",
    "incr",
    "get_many",
    "set_many",
    "delete_many",
    "clear",
)
#: What Django makes of them, once for sync code and once for async code.
MADE_OF_THEM = ("get_or_set", "has_key", "decr", "incr_version", "decr_version")
BACKENDS = {"EmbeddedCache": EmbeddedCache, "GuardedCache": GuardedCache}

turns = itertools.count()


# Every second call in another process


class OtherProcess:
    """A process that makes calls on caches of its own, for us."""

    def __init__(self) -> None:
        self._pipe: Any = None

    def call(self, what: bytes) -> Any:
        if self._pipe is None:
            self._start()
        self._pipe.send_bytes(what)
        result, error, warned = self._pipe.recv()
        for warning in warned:
            warnings.warn(warning, stacklevel=4)
        if error is not None:
            raise error
        return result

    def _start(self) -> None:
        from .run import arguments

        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        process = spawn.Process(target=serve, args=(theirs, vars(arguments)), daemon=True)
        process.start()
        theirs.close()
        atexit.register(process.join, 10)
        atexit.register(self._pipe.close)


def serve(pipe: Any, arguments: dict[str, Any]) -> None:
    """What the other process does, until the pipe is closed."""
    from .run import set_up

    set_up(**arguments)
    caches: dict[str, Any] = {}
    while True:
        try:
            backend, entry, method, args, kwargs = pickle.loads(pipe.recv_bytes())  # noqa: S301 - our own
        except EOFError:
            return
        name = repr((backend, entry))
        if name not in caches:
            caches[name] = BACKENDS[backend](*entry)
        result = error = None
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                result = getattr(caches[name], method)(*args, **kwargs)
            except Exception as raised:
                error = raised
        pipe.send((result, error, [warning.message for warning in warned]))


other_process = OtherProcess()


#: Stands for a default, which is compared with `is`: sent to another process, it would be another.
_DEFAULT = "the default of this call"


def by_another_process(name: str, here: Callable[..., Any]) -> Callable[..., Any]:
    if name == "get":

        @functools.wraps(here)
        def get(self: Any, key: Any, default: Any = None, version: Any = None) -> Any:
            value = call(self, key, _DEFAULT, version)
            return default if value == _DEFAULT else value

    @functools.wraps(here)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        # What a test changed in the object itself, the other process doesn't know.
        kwargs = {name: value for name, value in kwargs.items() if value is not DEFAULT_TIMEOUT}
        as_given = (self.key_func, self._max_entries) == self.given
        if next(turns) % 2 and as_given:
            try:
                sent = pickle.dumps((self.backend, self.entry, name, args, kwargs))
            except (pickle.PickleError, AttributeError, TypeError):
                pass  # it can't be sent
            else:
                return other_process.call(sent)
        return here(self, *args, **kwargs)

    return get if name == "get" else call


# Each call in a thread


threads = ThreadPoolExecutor(3)


def by_threads(name: str, here: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(here)
    def call(*args: Any, **kwargs: Any) -> Any:
        context = contextvars.copy_context()
        return threads.submit(context.run, here, *args, **kwargs).result()

    return call


# Each call awaited, in one of two event loops that go on, or in one of its own


class Loops:
    def __init__(self) -> None:
        self._loops: list[asyncio.AbstractEventLoop] = []

    def run(self, coroutine: Any) -> Any:
        if not self._loops:
            self._loops = [asyncio.new_event_loop(), asyncio.new_event_loop()]
            atexit.register(self._close)
        turn = next(turns) % 3
        if turn == 2:
            return asyncio.run(coroutine)
        return self._loops[turn].run_until_complete(coroutine)

    def _close(self) -> None:
        for loop in self._loops:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


loops = Loops()


def by_event_loops(name: str, here: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        # On an object of the backend itself: Django asks which methods a class has of its own.
        plain = BACKENDS[self.backend](*self.entry)
        plain.key_func, plain._max_entries = self.key_func, self._max_entries
        return loops.run(getattr(plain, f"a{name}")(*args, **kwargs))

    return call


def _class(backend: type, passed_on: Callable[..., Any], names: tuple[str, ...] = CALLS) -> type:
    def __init__(self: Any, location: Any, params: Any) -> None:  # noqa: N807
        super(made, self).__init__(location, params)
        self.backend = backend.__name__
        self.entry = (location, params)
        self.given = (self.key_func, self._max_entries)

    methods = {name: passed_on(name, getattr(backend, name)) for name in names}
    made: Any = type(backend.__name__, (backend,), {"__init__": __init__, **methods})
    return made


_ALL = (*CALLS, *MADE_OF_THEM)
EmbeddedByProcesses = _class(EmbeddedCache, by_another_process)
EmbeddedByThreads = _class(EmbeddedCache, by_threads)
EmbeddedByEventLoops = _class(EmbeddedCache, by_event_loops, _ALL)
GuardedByProcesses = _class(GuardedCache, by_another_process)
GuardedByThreads = _class(GuardedCache, by_threads)
GuardedByEventLoops = _class(GuardedCache, by_event_loops, _ALL)
