"""Waits for the pools of database drivers and HTTP clients, and those made larger.

A pool is called by its place (where the user's own code made it, or first asked for it) or by a
name of its own, such as `DATABASES["default"]`: by either one it can be made larger.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from ...on_import import on_import
from . import native, places, spans
from .made import caller

_ATTRIBUTE = "_holdfast_pool"
_sizes: Mapping[str, int] = {}


def begin(sizes: Mapping[str, int]) -> None:
    """Watch them from here on; those in *sizes* have at least so many connections."""
    global _sizes
    _sizes = sizes
    on_import("psycopg_pool.pool", _psycopg)
    on_import("psycopg_pool.pool_async", _async_psycopg)
    on_import("django.db.backends.postgresql.base", _django)
    on_import("sqlalchemy.pool.impl", _sqlalchemy)
    on_import("redis.connection", _redis)
    on_import("redis.asyncio.connection", _async_redis)
    on_import("urllib3.connectionpool", _urllib3)
    on_import("aiohttp.connector", _aiohttp)
    on_import("httpcore._sync.connection_pool", _httpcore)
    on_import("httpcore._async.connection_pool", _async_httpcore)


class _Known:
    """Where a pool was made, and what it is called."""

    __slots__ = ("more", "name", "place")

    def __init__(self, name: str, place: str, more: int = 0) -> None:
        self.name = name
        self.place = place
        #: How many connections more than it counts with it is to have still.
        self.more = more


def _wanted(*names: str) -> int:
    return max((_sizes.get(name, 0) for name in names if name), default=0)


def _sized(kind: Any, parameters: tuple[str, ...]) -> None:
    """Remember where objects are made, and give the parameters what is wanted at least."""
    original = kind.__init__
    signature = inspect.signature(original)

    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        place = places.users_place(caller())
        wanted = _wanted(place, kwargs.get("name") or "")
        if wanted:
            try:
                bound = signature.bind(self, *args, **kwargs)
            except TypeError:
                pass  # as the class itself says
            else:
                bound.apply_defaults()
                for one in parameters:
                    # None or 0: as many as one likes.
                    if 0 < (_given(bound.arguments, one) or 0) < wanted:
                        _give(bound.arguments, one, wanted)
                args, kwargs = bound.args[1:], bound.kwargs
        if place:
            try:
                setattr(self, _ATTRIBUTE, _Known("", place))
            except AttributeError:
                pass  # it has slots
        original(self, *args, **kwargs)

    kind.__init__ = init


def _given(arguments: Mapping[str, Any], name: str) -> Any:
    found = arguments.get(name)
    if found is None:
        found = arguments.get("kwargs", {}).get(name)
    return found if isinstance(found, int) else None


def _give(arguments: Any, name: str, value: int) -> None:
    (arguments if name in arguments else arguments["kwargs"])[name] = value


def _about(pool: Any, name: str) -> tuple[str, str]:
    known: _Known | None = getattr(pool, _ATTRIBUTE, None)
    if known is None:
        return name, ""
    return known.name or name, known.place


def _watched(  # noqa: PLR0913, PLR0917 - libraries differ in all of it
    kind: Any,
    method: str,
    called: Callable[[Any], str],
    size: Callable[[Any], Any],
    waits: Callable[[Any], bool] = lambda _pool: True,
    pool_of: Callable[[Any], Any] = lambda pool: pool,
) -> None:
    original = getattr(kind, method)

    @functools.wraps(original)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not waits(self):
            return original(self, *args, **kwargs)
        stack, begun = places.stack(), native.monotonic()
        try:
            with spans.Waiting():
                return original(self, *args, **kwargs)
        finally:
            _note(pool_of(self), called, size, begun, stack)

    @functools.wraps(original)
    async def async_call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not waits(self):
            return await original(self, *args, **kwargs)
        stack, begun = places.stack(), native.monotonic()
        try:
            with spans.Waiting():
                return await original(self, *args, **kwargs)
        finally:
            _note(pool_of(self), called, size, begun, stack)

    setattr(kind, method, async_call if inspect.iscoroutinefunction(original) else call)


def _note(pool: Any, called: Any, size: Any, begun: float, stack: Any) -> None:
    ended = native.monotonic()
    if ended - begun < spans.SHORTEST:
        return
    try:
        name, place = _about(pool, called(pool))
        detail = {"kind": places.name_of(type(pool)), "size": size(pool)}
    except Exception:  # noqa: BLE001 - another version may call it otherwise
        name, place, detail = places.name_of(type(pool)), "", {}
    spans.note("pool", name, begun, ended=ended, place=place, stack=stack, detail=detail)


def _psycopg(module: ModuleType) -> None:
    _any_psycopg(module.ConnectionPool)


def _async_psycopg(module: ModuleType) -> None:
    _any_psycopg(module.AsyncConnectionPool)


def _any_psycopg(kind: Any) -> None:
    # One that has no `max_size` has `min_size` connections, and not more.
    _sized(kind, ("max_size", "min_size"))
    _watched(kind, "getconn", lambda pool: pool.name, lambda pool: pool.max_size)


def _django(module: ModuleType) -> None:
    """Django makes its pools itself, out of the settings."""
    original = module.DatabaseWrapper.pool

    def pool(self: Any) -> Any:
        name = f'DATABASES["{self.alias}"]["OPTIONS"]["pool"]'
        options = self.settings_dict["OPTIONS"].get("pool")
        wanted = _wanted(name)
        if wanted and options:
            options = dict(options) if isinstance(options, dict) else {}
            if (options.get("max_size") or options.get("min_size", 4)) < wanted:
                options["max_size"] = wanted
                self.settings_dict["OPTIONS"]["pool"] = options
        found = original.fget(self)
        if found is not None:
            setattr(found, _ATTRIBUTE, _Known(name, ""))
        return found

    module.DatabaseWrapper.pool = property(pool)


def _sqlalchemy(module: ModuleType) -> None:
    for kind in (module.QueuePool, module.AsyncAdaptedQueuePool):
        _sized_by_its_queue(kind)
    _made_larger(module.QueuePool)
    _watched(
        module.QueuePool,
        "_do_get",
        lambda _pool: "sqlalchemy.QueuePool",
        lambda pool: pool.size(),
        lambda pool: 0 <= pool._max_overflow <= pool._overflow,
    )


def _sized_by_its_queue(kind: Any) -> None:
    """SQLAlchemy reads the names of `__init__`'s parameters, so that has to stay as it is."""
    attribute = "_queue_class" if hasattr(kind, "_queue_class") else "_queueclass"
    original = vars(kind)[attribute]

    def make(self: Any, size: int, *args: Any, **kwargs: Any) -> Any:
        place = places.users_place(caller())
        more = max(0, _wanted(place) - size) if size else 0
        setattr(self, _ATTRIBUTE, _Known("", place, more))
        return original(size + more, *args, **kwargs)

    setattr(kind, attribute, make)


def _made_larger(kind: Any) -> None:
    """Connections are counted, too: from below zero up."""
    original = kind._inc_overflow

    @functools.wraps(original)
    def count(self: Any) -> Any:
        known = getattr(self, _ATTRIBUTE, None)
        if known is not None and known.more:
            with self._overflow_lock:
                more, known.more = known.more, 0
                self._overflow -= more
        return original(self)

    kind._inc_overflow = count


def _redis(module: ModuleType) -> None:
    kind = module.BlockingConnectionPool
    _sized(kind, ("max_connections",))
    _watched(kind, "get_connection", _redis_name, lambda pool: pool.max_connections)


def _async_redis(module: ModuleType) -> None:
    _redis(module)


def _redis_name(pool: Any) -> str:
    told = pool.connection_kwargs
    return f"redis {told.get('host') or told.get('path') or 'localhost'}/{told.get('db', 0)}"


def _urllib3(module: ModuleType) -> None:
    kind = module.HTTPConnectionPool
    _sized(kind, ("maxsize",))
    _watched(
        kind,
        "_get_conn",
        lambda pool: f"{pool.scheme}://{pool.host}:{pool.port}",
        lambda pool: pool.pool.maxsize,
        lambda pool: bool(pool.block),
    )


def _aiohttp(module: ModuleType) -> None:
    _sized(module.BaseConnector, ("limit", "limit_per_host"))
    _watched(
        module.BaseConnector,
        "_wait_for_available_connection",
        lambda pool: places.name_of(type(pool)),
        lambda pool: pool.limit,
    )


#: httpcore's pool that is asked here: the request that waits for a connection doesn't know it.
_asked: ContextVar[Any] = ContextVar("holdfast probe's pool", default=None)


def _httpcore(module: ModuleType) -> None:
    kind = module.ConnectionPool
    _sized(kind, ("max_connections",))
    original = kind.handle_request

    @functools.wraps(original)
    def handle_request(self: Any, request: Any) -> Any:
        before = _asked.set(self)
        try:
            return original(self, request)
        finally:
            _asked.reset(before)

    kind.handle_request = handle_request
    _watched_waiting(module.PoolRequest)


def _async_httpcore(module: ModuleType) -> None:
    kind = module.AsyncConnectionPool
    _sized(kind, ("max_connections",))
    original = kind.handle_async_request

    @functools.wraps(original)
    async def handle_async_request(self: Any, request: Any) -> Any:
        before = _asked.set(self)
        try:
            return await original(self, request)
        finally:
            _asked.reset(before)

    kind.handle_async_request = handle_async_request
    _watched_waiting(module.AsyncPoolRequest)


def _watched_waiting(kind: Any) -> None:
    _watched(
        kind,
        "wait_for_connection",
        lambda _pool: "httpcore connections",
        lambda pool: pool._max_connections,
        lambda one: one.connection is None,
        pool_of=lambda _one: _asked.get(),
    )
