"""H1a: hooks of a MiddlewareMixin subclass run in a thread."""

from __future__ import annotations

from collections.abc import Iterator

from ..file import File
from ..findings import Finding
from ._middleware import middlewares, own

CODE = "H1a"
TITLE = "Hooks that run in a thread under ASGI"
REASON = """For information, and no fault of the code's: a subclass of `MiddlewareMixin` that has
`process_request` or `process_response` is async_capable, but Django runs each of these hooks
through `sync_to_async`: a hop to a thread and back for every hook of every request."""
WRONG = """
from django.utils.deprecation import MiddlewareMixin

class Language(MiddlewareMixin):
    def process_response(self, request, response):
        response["Content-Language"] = "en"
        return response
"""
RIGHT = """
from asgiref.sync import iscoroutinefunction
from django.utils.decorators import sync_and_async_middleware

@sync_and_async_middleware
def language(get_response):
    if iscoroutinefunction(get_response):

        async def middleware(request):
            response = await get_response(request)
            response["Content-Language"] = "en"
            return response

    else:

        def middleware(request):
            response = get_response(request)
            response["Content-Language"] = "en"
            return response

    return middleware
"""
_MIXIN = "django.utils.deprecation.MiddlewareMixin"
_HOOKS = ("process_request", "process_response")


def check(file: File) -> Iterator[Finding]:
    """Subclasses of MiddlewareMixin with hooks, whose `__call__` is the mixin's."""
    for class_ in middlewares(file):
        if _MIXIN not in file.project.ancestors(class_.full_name):
            continue
        hooks = [name for name in _HOOKS if own(class_, name) is not None]
        call = file.project.method(class_.full_name, "__call__")
        if not hooks or (call is not None and file.project.class_in_project(call.class_name)):
            continue
        yield file.finding(
            CODE,
            class_.node,
            f"Under ASGI, Django runs {' and '.join(hooks)} of {class_.name} in a thread:"
            f" {len(hooks)} hop{'s' if len(hooks) > 1 else ''} for each request.",
            "Write it as one callable that is sync and async, if it runs under ASGI.",
            symbol=class_.name,
            attribute=hooks[0],
            severity="info",
        )
