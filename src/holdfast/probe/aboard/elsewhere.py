"""Has functions run in a thread of their own, where they would block an event loop or a hub.

A function is changed in place: whoever has got hold of it before, a URLconf or a table of routes,
calls the changed one.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from types import CodeType, FunctionType, ModuleType
from typing import Any

from ...on_import import on_import
from . import native, places, ticking, writing

#: Threads at most.
MOST_THREADS = 1_000
#: By this name a changed function finds what it is to do.
_GLOBAL = "__holdfast_elsewhere__"
_COROUTINE = 0x80  # inspect.CO_COROUTINE

_not_yet: set[str] = set()


def begin(names: Sequence[str]) -> None:
    """Change the functions of these dotted names when their modules are imported."""
    _not_yet.update(names)
    for name in names:
        words = name.split(".")
        for count in range(1, len(words)):
            on_import(".".join(words[:count]), functools.partial(_found, name, words[count:]))
    ticking.at_first_request(_last)


def _found(name: str, words: Sequence[str], module: ModuleType) -> None:
    if name not in _not_yet:
        return
    owner: Any = None
    thing: Any = module
    for word in words:
        owner, thing = thing, getattr(thing, word, None)
        if thing is None or isinstance(thing, ModuleType):
            return
    function = _function(thing)
    if function is not None:
        _not_yet.discard(name)
        _change(function, owner, words[-1])


def _function(thing: Any) -> Any:
    """What is called in the end; of a class: what its objects are called by."""
    if isinstance(thing, type):
        for name in ("dispatch", "__call__"):
            method = getattr(thing, name, None)
            if isinstance(method, FunctionType):
                return method
        return None
    found = places.innermost(thing)
    found = getattr(found, "__func__", found)
    return found if isinstance(found, FunctionType) else None


def _last() -> None:
    """The program's own script is no module that is imported; and some names are nobody's."""
    main = sys.modules.get("__main__")
    for name in sorted(_not_yet):
        words = name.split(".")
        if main is not None and words[0] == "__main__":
            _found(name, words[1:], main)
    for name in sorted(_not_yet):
        writing.trouble(f"{name} can't be run in a thread of its own: no such function was found")


def _change(function: FunctionType, owner: Any, name: str) -> None:
    """Have *function* do what it did, elsewhere."""
    inner = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    inner.__kwdefaults__ = function.__kwdefaults__
    inner.__qualname__ = function.__qualname__
    is_async = bool(function.__code__.co_flags & _COROUTINE)
    run = functools.partial(_coroutine if is_async else _blocking, inner)
    if function.__closure__:
        # Its code can't be exchanged for one without the same variables.
        setattr(owner, name, _wrapper(run, function, is_async=is_async))
        return
    signature = inspect.signature(function)
    key = f"{function.__module__}.{function.__qualname__}"
    function.__globals__.setdefault(_GLOBAL, {})[key] = run
    function.__code__ = _code(key, function.__name__, is_async=is_async)
    function.__defaults__ = function.__kwdefaults__ = None
    function.__signature__ = signature  # type: ignore[attr-defined]


def _wrapper(run: Callable[..., Any], function: FunctionType, *, is_async: bool) -> Any:
    if is_async:

        @functools.wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            return await run(args, kwargs)

        return call_async

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return run(args, kwargs)

    return call


def _code(key: str, name: str, *, is_async: bool) -> CodeType:
    """Of a function that takes anything, and runs what is kept for *key*."""
    prefix, wait = ("async ", "await ") if is_async else ("", "")
    source = (
        f"{prefix}def call(*args, **kwargs):\n    return {wait}{_GLOBAL}[{key!r}](args, kwargs)\n"
    )
    made: dict[str, Any] = {}
    exec(compile(source, __file__, "exec"), made)  # noqa: S102 - of our own
    code: CodeType = made["call"].__code__
    return code.replace(co_name=name)


# Where it runs

_threads: list[Any] = []


def _executor() -> Any:
    from concurrent.futures import ThreadPoolExecutor

    if not _threads:
        _threads.append(ThreadPoolExecutor(max_workers=MOST_THREADS))
    return _threads[0]


async def _coroutine(inner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """In a loop of its own, in a thread."""
    import asyncio

    loop = asyncio.get_running_loop()
    if _is_asgi(args):
        scope, receive, send = args[-3:]
        args = (*args[:-3], scope, _back(receive, loop), _back(send, loop))
    context = contextvars.copy_context()

    async def run() -> Any:
        return await inner(*args, **kwargs)

    return await loop.run_in_executor(
        _executor(), functools.partial(context.run, _run_in_loop, run)
    )


def _run_in_loop(run: Any) -> Any:
    import asyncio

    return asyncio.run(run())


def _is_asgi(args: tuple[Any, ...]) -> bool:
    count = 3  # scope, receive, send
    return (
        len(args) >= count
        and isinstance(args[-count], dict)
        and "type" in args[-count]
        and callable(args[-1])
    )


def _back(call: Any, loop: Any) -> Any:
    """The server's own functions stay in the server's loop."""
    import asyncio

    async def in_its_loop(*args: Any) -> Any:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call(*args), loop))

    return in_its_loop


def _blocking(inner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """In a thread of the hub's, if it is called in a greenlet; a loop can't go on meanwhile."""
    greenlet = sys.modules.get("greenlet")
    if greenlet is None or greenlet.getcurrent().parent is None:
        return inner(*args, **kwargs)
    call = functools.partial(contextvars.copy_context().run, inner, *args, **kwargs)
    if _is_gevents(greenlet.getcurrent()):
        return _gevents_threads().apply(call)
    tpool = _eventlets_threads()
    return inner(*args, **kwargs) if tpool is None else tpool.execute(call)


def _is_gevents(one: Any) -> bool:
    return "gevent.hub" in sys.modules and hasattr(one.parent, "loop")


def _gevents_threads() -> Any:
    from importlib import import_module

    here = native.getpid()
    if not _gevents or _gevents[0] != here:
        pool = import_module("gevent.threadpool").ThreadPool(MOST_THREADS)
        _gevents[:] = [here, pool]
    return _gevents[1]


_gevents: list[Any] = []


def _eventlets_threads() -> Any:
    if "eventlet.hubs" not in sys.modules:
        return None
    from importlib import import_module

    tpool = import_module("eventlet.tpool")
    if not _eventlets:
        _eventlets.append(None)
        tpool.set_num_threads(100)
    return tpool


_eventlets: list[None] = []
