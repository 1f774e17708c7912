"""Waits for a thread: of hops from async to sync code, and of executors; and who works for whom.

A request's work in another thread is that request's, too: it is carried there, and looked at.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from contextvars import Context
from types import FrameType, ModuleType
from typing import Any

from ...on_import import on_import
from . import made, native, places, requests, spans, writing
from .requests import Request, Runner
from .settings import Settings

_ATTRIBUTE = "_holdfast_executor"
#: What asyncio calls the threads of the executor that it makes itself.
_DEFAULT_PREFIX = "asyncio"
DEFAULT = "the event loop's default executor"
ANYIO = "anyio's thread limiter"


def install(settings: Settings) -> None:
    """Note these waits from here on, and make executors as large as they are to be."""
    sizes = dict(settings.change.pool_size)
    on_import("concurrent.futures.thread", lambda module: _executors(module, sizes))
    on_import("asgiref.current_thread_executor", _current_thread)
    on_import("asgiref.sync", _async_to_sync)
    on_import("anyio._backends._asyncio", lambda module: _anyio(module, sizes.get(ANYIO, 0)))
    on_import("threading", _threads)
    on_import("gevent.greenlet", lambda module: module.Greenlet.add_spawn_callback(_give))
    on_import("eventlet.greenthread", _green_threads)


class _Executor:
    """What is known of an executor: its name, and who had a thread of it last, until when."""

    __slots__ = ("holder", "name", "until")

    def __init__(self, name: str) -> None:
        self.name = name
        self.holder = ""
        self.until = 0.0

    def taken(self, name: str, asked: float) -> str:
        """By *name*; who had it while *name* waited, since *asked*."""
        before = self.holder if self.until > asked and self.holder != name else ""
        self.holder, self.until = name, float("inf")
        return before

    def left(self, name: str) -> None:
        """By *name*."""
        if self.holder == name:
            self.until = native.monotonic()


class _Call:
    """A function on its way into another thread, for a request."""

    __slots__ = ("_asked", "_detail", "_executor", "_function", "_place", "_request")

    def __init__(self, request: Request, known: _Executor | None, function: Any, size: int) -> None:
        self._request = request
        self._executor = known
        self._function = function
        sensitive = _sensitive(function)
        self._detail: dict[str, Any] = {"sensitive": bool(sensitive)}
        if sensitive is None and known is not None:
            self._detail |= {"executor": known.name, "size": size}
        self._place = _asked_at(sys._getframe(2), function)
        self._asked = native.monotonic()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        request, known = self._request, self._executor
        begun = native.monotonic()
        before = requests.enter(request)
        runner = Runner()
        request.runners = (*request.runners, runner)
        holder = "" if known is None else known.taken(request.name, self._asked)
        try:
            return self._function(*args, **kwargs)
        finally:
            if known is not None:
                known.left(request.name)
            request.runners = tuple(one for one in request.runners if one is not runner)
            ran = native.monotonic() - begun
            spans.note(
                "thread",
                places.name_of(_called(self._function)),
                self._asked,
                ended=begun,
                request=request,
                lane=runner.lane,
                place=self._place,
                holder=holder,
                detail={**self._detail, "ran": ran},
            )
            requests.enter(before)


def _hop(function: Any) -> Any:
    """The hop of asgiref's, if the function is one."""
    owner = getattr(getattr(function, "func", None), "__self__", None)
    return owner if type(owner).__name__ == "SyncToAsync" else None


def _sensitive(function: Any) -> bool | None:
    """Whether it has to run in a certain thread; None: any thread would do."""
    hop = _hop(function)
    return True if hop is not None and hop._thread_sensitive else None


def _called(function: Any) -> Any:
    """What is called in the end."""
    hop = _hop(function)
    return function if hop is None else hop.func


def _asked_at(frame: FrameType | None, function: Any) -> str:
    """`path:line` of the user's own code that asks for the thread.

    Where Django asks for it, to call middleware or a view: where that was written.
    """
    while frame is not None:
        path = places.users_file(frame.f_code)
        if path:
            return f"{path}:{frame.f_lineno}"
        if f"{frame.f_globals.get('__name__', '')}".startswith("django.core.handlers"):
            return places.place_of(_called(function))
        frame = frame.f_back
    return ""


def _carried(known: _Executor | None, function: Any, size: int) -> Any:
    try:
        request = requests.current()
        if request is not None:
            return _Call(request, known, function, size)
    except Exception as error:  # noqa: BLE001 - an observer may fail, the server may not
        writing.trouble("a call in another thread is not followed", error)
    return function


def _executors(module: ModuleType, sizes: Mapping[str, int]) -> None:
    kind: Any = module.ThreadPoolExecutor
    init, submit = kind.__init__, kind.submit

    @functools.wraps(init)
    def remember(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        place = made.makers_place(sys._getframe(1), self)
        prefix = getattr(self, "_thread_name_prefix", "")
        if prefix == _DEFAULT_PREFIX:
            name = DEFAULT
        else:
            name = made.name_at(place) or prefix or type(self).__name__
        wanted = sizes.get(name) or sizes.get(place, 0)
        if wanted:
            self._max_workers = max(self._max_workers, wanted)
        setattr(self, _ATTRIBUTE, _Executor(name))

    @functools.wraps(submit)
    def carry(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        known = getattr(self, _ATTRIBUTE, None)
        return submit(self, _carried(known, fn, self._max_workers), *args, **kwargs)

    kind.__init__, kind.submit = remember, carry


def _current_thread(module: ModuleType) -> None:
    kind: Any = module.CurrentThreadExecutor
    submit = kind.submit

    @functools.wraps(submit)
    def carry(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        return submit(self, _carried(None, fn, 1), *args, **kwargs)

    kind.submit = carry


def _async_to_sync(module: ModuleType) -> None:
    """A sync thread waits while a task works for its request."""
    kind: Any = module.AsyncToSync
    main_wrap = kind.main_wrap

    @functools.wraps(main_wrap)
    async def followed(self: Any, *args: Any, **kwargs: Any) -> Any:
        request = requests.current()
        if request is None:
            return await main_wrap(self, *args, **kwargs)
        runner = Runner()
        request.runners = (*request.runners, runner)
        try:
            return await main_wrap(self, *args, **kwargs)
        finally:
            request.runners = tuple(one for one in request.runners if one is not runner)

    kind.main_wrap = followed


def _anyio(module: ModuleType, wanted: int) -> None:
    """Starlette, and what is made of it, has its sync endpoints run by this."""
    kind: Any = module.AsyncIOBackend
    original = kind.run_sync_in_worker_thread.__func__
    known = _Executor(ANYIO)

    @functools.wraps(original)
    async def carry(
        cls: Any,
        func: Any,
        args: Any,
        abandon_on_cancel: bool = False,  # noqa: FBT001, FBT002
        limiter: Any = None,
    ) -> Any:
        limits = limiter or cls.current_default_thread_limiter()
        if wanted and limits.total_tokens < wanted:
            limits.total_tokens = wanted
        call = _carried(known, func, int(min(limits.total_tokens, 1_000_000)))
        return await original(cls, call, args, abandon_on_cancel, limiter)

    kind.run_sync_in_worker_thread = classmethod(carry)


def _threads(module: ModuleType) -> None:
    """A thread that a request starts works for it, too, as long as the request lasts."""
    kind: Any = module.Thread
    start, bootstrap = kind.start, kind._bootstrap_inner

    @functools.wraps(start)
    def remember(self: Any) -> None:
        request = requests.current()
        if request is not None:
            self._holdfast_request = request
        start(self)

    @functools.wraps(bootstrap)
    def run(self: Any) -> None:
        request = self.__dict__.pop("_holdfast_request", None)
        if request is not None:
            requests.enter(request)
        bootstrap(self)

    kind.start, kind._bootstrap_inner = remember, run


def _green_threads(module: ModuleType) -> None:
    kind: Any = module.GreenThread
    init = kind.__init__

    @functools.wraps(init)
    def give(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        _give(self)

    kind.__init__ = give


def _give(greenlet: Any) -> None:
    """A greenlet that a request starts works for it, too. Of the context it gets nothing else."""
    request = requests.current()
    if request is None:
        return
    try:
        if greenlet.gr_context is None:
            greenlet.gr_context = Context()
        greenlet.gr_context.run(requests.enter, request)
    except Exception as error:  # noqa: BLE001 - an observer may fail, the server may not
        writing.trouble("a greenlet is not followed", error)
