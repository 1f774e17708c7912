"""What Django does before and after each request: in a thread only where there is one, or need be.

Django's receivers look after what the request's own thread holds: connections to databases, with
their query logs. As long as the request has no thread they have nothing to do. What stands in the
context, and not in the thread (the URLconf, caches), is looked after here. As soon as there is
somebody else's sync receiver, or something that may block when it is closed, Django's own way is
taken, with all that belongs to it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Protocol

from asgiref.sync import AsyncToSync, SyncToAsync, sync_to_async
from django.core.cache import caches, close_caches
from django.core.cache.backends.base import BaseCache
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import reset_urlconf
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries
from django.dispatch import Signal
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

from .rebinding import with_names


class Closer(Protocol):
    """What may stand in the place of a response's `close`, and ends by calling that."""

    response: HttpResponseBase
    never_blocks: bool

    def __call__(self) -> None:
        """Close."""


#: Receivers that have nothing to do for a request without a thread, or whose work is done here.
AT_START = frozenset({reset_queries, close_old_connections})
AT_END = frozenset({close_old_connections, close_caches, reset_urlconf})


async def begin(sender: Any, **named: Any) -> None:
    """Send `request_started`."""
    sync, others = _listeners(request_started, sender)
    if has_thread() or not AT_START.issuperset(sync):
        await request_started.asend(sender, **named)
    elif others:
        await _send_to_async(request_started, sender, **named)


async def end(sender: Any, **named: Any) -> None:
    """Send `request_finished`, for a request that came to no response."""
    sync, others = _listeners(request_finished, sender)
    if _needs_thread(sync):
        await request_finished.asend(sender, **named)
    else:
        reset_urlconf(sender)
        if others:
            await _send_to_async(request_finished, sender, **named)


async def close(response: HttpResponseBase) -> None:
    """Close *response*, and with it the request; its class closes as Django's responses do."""
    sender = response._handler_class  # type: ignore[attr-defined]  # noqa: SLF001
    sync, others = _listeners(request_finished, sender)
    if _needs_thread(sync) or not closes_at_once(response):
        await sync_to_async(response.close)()
        return
    _close_silently(response)
    reset_urlconf(sender)
    if others:
        await _send_to_async(request_finished, sender)


async def close_by(closer: Closer) -> None:
    """Close a response by what stands in the place of its `close`, and never blocks."""
    sender = closer.response._handler_class  # type: ignore[attr-defined]  # noqa: SLF001
    sync, others = _listeners(request_finished, sender)
    if others or _needs_thread(sync):
        await sync_to_async(closer)()
    else:
        closer()


def closes_at_once(response: HttpResponseBase) -> bool:
    """Whether nothing that *response* closes may block."""
    closers = response._resource_closers  # type: ignore[attr-defined]  # noqa: SLF001
    return type(response).close is HttpResponseBase.close and all(map(never_blocks, closers))


def never_blocks(closer: Callable[[], object]) -> bool:
    """Whether *closer* can be called in the event loop.

    So are requests closed, unless files were uploaded or the body was kept on disk, and whatever
    says so by an attribute `never_blocks`.
    """
    if getattr(closer, "__func__", None) in _CLOSE_A_REQUEST:
        request = closer.__self__  # type: ignore[attr-defined]
        stream = getattr(request, "_stream", None)
        return not getattr(request, "_files", None) and not getattr(stream, "_rolled", False)
    return getattr(closer, "never_blocks", False) is True


def has_thread() -> bool:
    """Whether sync code of this request would run in a thread that is there already.

    It is the request's own, or that of sync code around the handler.
    """
    if getattr(AsyncToSync.executors, "current", None):
        return True
    context = SyncToAsync.thread_sensitive_context.get(None)
    return context is None or context in SyncToAsync.context_to_thread_executor


def receivers(signal: Signal, sender: Any) -> tuple[list[Any], list[Any]]:
    """Those of *signal* that are alive and listen to *sender*: the sync and the async ones."""
    return signal._live_receivers(sender)  # noqa: SLF001 - no public list of them


def _listeners(signal: Signal, sender: Any) -> tuple[list[Any], list[Any]]:
    """The same, quicker where only Django's own listen: as in most projects, at each request."""
    connected = [entry[1] for entry in signal.receivers]
    if _only_djangos.get(signal) == connected:
        return _NOBODY_ELSE
    sync, others = receivers(signal, sender)
    if len(sync) == len(connected) and _OWN.issuperset(sync):
        # Remembered only then: the others are referred to weakly, and must be free to go.
        _only_djangos[signal] = connected
        return _NOBODY_ELSE
    return sync, others


def _needs_thread(sync: list[Any]) -> bool:
    """Whether the end of a request that *sync* listen to is to be as in Django."""
    return (
        has_thread()
        or not AT_END.issuperset(sync)
        or (_may_close_caches() and not all(map(_is_nothing_to_close, _caches_of_request())))
    )


def _caches_of_request() -> list[Any]:
    return caches.all(initialized_only=True)


def _may_close_caches() -> bool:
    """Whether one of the caches in the settings has a `close()` of its own."""
    global _judged
    settings = caches.settings
    if _judged[0] is not settings:
        _judged = settings, not all(map(_closes_nothing, settings.values()))
    return _judged[1]


def _closes_nothing(entry: Any) -> bool:
    try:
        return _is_nothing_to_close(import_string(entry["BACKEND"]))
    except (ImportError, AttributeError, KeyError, TypeError):
        return False  # not to be used either


def _is_nothing_to_close(cache: Any) -> bool:
    """Whether the *cache*, or that class of caches, needs no closing."""
    kind: Any = cache if isinstance(cache, type) else type(cache)
    close = kind.close
    return close is BaseCache.close or never_blocks(close)


def _skipped(func: Callable[..., Any]) -> Callable[..., Any]:
    async def nobody() -> list[Any]:
        return []

    return nobody


_OWN = AT_START | AT_END
_NOBODY_ELSE: tuple[list[Any], list[Any]] = [], []
#: The receivers of a signal, when all of them were Django's own.
_only_djangos: dict[Signal, list[Any]] = {}
#: `CACHES` as Django has it, and whether there is something to close.
_judged: tuple[Any, bool] = None, True
_CLOSE_A_REQUEST = (HttpRequest.close, ASGIRequest.close)
_nobody = SimpleNamespace(send=lambda **_: None)
#: `Signal.asend` without the sync receivers.
_send_to_async = with_names(Signal.asend, sync_to_async=_skipped)
#: `HttpResponseBase.close` without the signal.
_close_silently = with_names(
    HttpResponseBase.close, signals=SimpleNamespace(request_finished=_nobody)
)
