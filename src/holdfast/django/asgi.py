"""Django's ASGI handler, without a thread for each request.

    from holdfast.django.asgi import get_asgi_application

    application = get_asgi_application()

Django's own handler starts a thread for every request, also for an async view behind async
middleware: what it does before and after a request (resetting query logs, closing old connections
and caches, closing the response) is sync code, which it sends to the request's thread. A request
that has no thread yet has neither queries nor connections. So here this is left out, and the
request stays in the event loop until something sync asks for a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler as DjangosHandler
from django.core.handlers.base import BaseHandler
from django.http.response import HttpResponseBase

from . import house_keeping
from .rebinding import with_names


def get_asgi_application() -> ASGIHandler:
    """Make an ASGI application of the project; stands in `asgi.py` in place of Django's.

    What is sync still runs in the request's own thread, which is started when the first of it is
    reached: sync views and middleware, the ORM, your own sync receivers of `request_started` and
    `request_finished`, the closing of whatever a response holds open. A request that reaches
    nothing sync has no thread, and costs a fraction of the time.

    `manage.py holdfast stack` shows what asks for threads in your project. Sets Django up; to be
    called once in a process, when the server imports `asgi.py`.

    Returns:
        An ASGI 3 application for HTTP. Put `holdfast.asgi.RequestScope` around it.
    """
    django.setup(set_prefix=False)
    return ASGIHandler()


class ASGIHandler(DjangosHandler):
    """Django's handler, as `get_asgi_application` makes it. May be subclassed as Django's is.

    Receivers that asked for `sender=django.core.handlers.asgi.ASGIHandler` hear of its requests.
    """

    async def run_get_response(self, request: Any) -> HttpResponseBase:
        """Respond to *request*: middleware, view, and what they make of exceptions."""
        response = await super().run_get_response(request)
        answered_by: Any = response
        answered_by._handler_class = _known_sender(answered_by._handler_class)  # noqa: SLF001
        return response


def _known_sender(sender: Any) -> Any:
    return DjangosHandler if sender is ASGIHandler else sender


class _RequestStarted:
    @staticmethod
    async def asend(sender: Any, **named: Any) -> None:
        await house_keeping.begin(_known_sender(sender), **named)


class _RequestFinished:
    @staticmethod
    async def asend(sender: Any, **named: Any) -> None:
        await house_keeping.end(_known_sender(sender), **named)


class _Signals:
    """What stands for the module `django.core.signals` where a request begins and ends."""

    request_started = _RequestStarted
    request_finished = _RequestFinished


def _closing(func: Any, **options: Any) -> Callable[..., Any]:
    """What stands for `sync_to_async` where a request begins and ends."""
    if getattr(func, "__func__", None) is HttpResponseBase.close:
        return partial(house_keeping.close, func.__self__)
    if house_keeping.never_blocks(func) and hasattr(func, "response"):
        return partial(house_keeping.close_by, func)  # our middleware's
    return sync_to_async(func, **options)


def _responding(func: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """What stands for `sync_to_async` around the view."""
    if getattr(func, "__func__", None) is BaseHandler.process_exception_by_middleware:
        handler: Any = func.__self__  # type: ignore[attr-defined]
        if not handler._exception_middleware:  # noqa: SLF001
            return _no_response
    return sync_to_async(func, **options)


async def _no_response(exception: Exception, request: Any) -> None:
    """What exception middleware makes of an exception, where there is none."""


ASGIHandler.handle = with_names(  # type: ignore[method-assign]
    DjangosHandler.handle, signals=_Signals, sync_to_async=_closing
)
ASGIHandler._get_response_async = with_names(  # type: ignore[attr-defined]  # noqa: SLF001
    BaseHandler._get_response_async,  # type: ignore[attr-defined]  # noqa: SLF001
    sync_to_async=_responding,
)
