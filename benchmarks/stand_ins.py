"""The same request object in everything that can hold one, for reading it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import cache
from types import SimpleNamespace
from typing import Any

import crum  # type: ignore[import-untyped]
import django_guid
import flask
from asgiref.local import Local
from django.http import HttpRequest
from starlette_context import context as starlette_context
from starlette_context import request_cycle_context
from werkzeug.local import LocalProxy

import holdfast

from . import django_site

var: ContextVar[Any] = ContextVar("bare")
asgiref_local = Local()
werkzeug_proxy: Any = LocalProxy(var)


@cache
def flask_app() -> flask.Flask:
    """A Flask application without anything in it."""
    return flask.Flask("benchmarks")


@contextmanager
def everything_bound() -> Iterator[dict[str, Any]]:
    """Names for snippets; while inside, each of them leads to one request with a `user`."""
    django_site.set_up()
    request: Any = HttpRequest()
    request.user = SimpleNamespace(name="alice")
    request.shelf = "an attribute that Django does not know"
    with ExitStack() as bound:
        bound.enter_context(holdfast.open_scope(request, user=request.user))
        bound.enter_context(flask_app().test_request_context("/"))
        bound.enter_context(request_cycle_context({"user": request.user}))
        bound.callback(crum.set_current_request)
        bound.callback(var.reset, var.set(request))
        crum.set_current_request(request)
        django_guid.set_guid("a guid")
        asgiref_local.request = request
        flask.request.user = request.user  # type: ignore[attr-defined]
        flask.g.user = request.user
        yield {
            "var": var,
            "holdfast": holdfast,
            "request": holdfast.request,
            "state": holdfast.state,
            "current": holdfast.current,
            "proxied": holdfast.proxy(var),
            "werkzeug_proxy": werkzeug_proxy,
            "asgiref_local": asgiref_local,
            "crum": crum,
            "get_current_request": crum.get_current_request,
            "get_guid": django_guid.get_guid,
            "set_guid": django_guid.set_guid,
            "flask": flask,
            "g": flask.g,
            "flask_request": flask.request,
            "starlette_context": starlette_context,
            "one": 1,
        }
