"""The current request for code that is far from the view: a stack, as in the well-known recipe.

The idea: a middleware pushes the request and pops it with the response, and whoever wants the
request asks the stack, which is one a context and so one a request.

Why it doesn't hold: readers use `pop()`, so the second reader finds nothing. The response's body is
streamed after the pop. A thread starts with an empty context, so with an empty stack. And what
isn't an `Exception` (a time-out of gevent's, an exit) passes the middleware by: the dead request
stays on the stack of a worker that serves all its requests in one context.
"""

import os
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.deprecation import MiddlewareMixin


class LocalStack:
    """A stack for each context. A new tuple at each change, as contexts are copied shallowly."""

    def __init__(self) -> None:
        self._items: ContextVar[tuple[HttpRequest, ...]] = ContextVar("requests", default=())

    def push(self, item: HttpRequest) -> None:
        self._items.set((*self._items.get(), item))

    def pop(self) -> HttpRequest | None:
        *rest, last = self._items.get() or (None,)
        self._items.set(tuple(rest))
        return last

    def __len__(self) -> int:
        return len(self._items.get())


stack = LocalStack()


def current_request() -> HttpRequest | None:
    return stack.pop()


class RequestStackMiddleware(MiddlewareMixin):
    def process_request(self, request: HttpRequest) -> None:
        stack.push(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        stack.pop()
        return response


def health(request: HttpRequest) -> JsonResponse:
    """Which worker answers, and how many requests its stack holds: 1 is this one."""
    return JsonResponse({"worker": os.getpid(), "requests_on_the_stack": len(stack)})
