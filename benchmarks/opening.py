"""Opening a scope and closing it."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import crum  # type: ignore[import-untyped]
from asgiref.local import Local
from starlette_context import request_cycle_context

import holdfast
from holdfast.scope.scope import scope_var

from .report import Part, Row, Table, at_most, microseconds, nanoseconds
from .rounds import Effort, measure
from .snippets import awaiting, nothing, snippet
from .stand_ins import flask_app

NAME = "opening"

FLOOR = "bare: token = var.set(x); var.reset(token)"
SCOPE = "holdfast: what the wrappers do, Scope() and close()"
WITH = "with holdfast.open_scope():"
ASYNC_WITH = "async with holdfast.open_scope():"

_WAYS = {
    FLOOR: "token = var.set(value); var.reset(token)",
    "bare: the same in a @contextmanager": "with bare(): pass",
    SCOPE: "scope = Scope(value, pair); set_scope(scope); scope.close(); set_scope(nowhere)",
    WITH: "with open_scope(): pass",
    "with holdfast.open_scope(request, user_id=7):": "with open_scope(value, user_id=7): pass",
    "django-crum: set_current_request(r), then (None)": (
        "set_current_request(value); set_current_request(None)"
    ),
    "asgiref: Local().x = x; del": "local.x = value; del local.x",
    "starlette-context: with request_cycle_context({}):": "with request_cycle_context({}): pass",
    "Flask: with app.app_context():": "with flask_app.app_context(): pass",
}

_GOALS = (SCOPE, WITH, ASYNC_WITH)


def run(effort: Effort) -> Part:
    """Measure opening and closing, with nothing in between."""
    names = _names()
    with asyncio.Runner() as runner:
        subjects = [snippet(name, statement, names) for name, statement in _WAYS.items()]
        async_with = awaiting(ASYNC_WITH, "async with open_scope(): pass", names, runner)
        subjects.insert(4, async_with)
        measured = measure(subjects, effort, overhead=nothing())
    table = Table("Opening and closing", ("ns", "µs beyond a bare set and reset"))
    part = Part(NAME, "Opening and closing a scope", [table])
    for name in measured.seconds:
        beyond = measured.beyond(name, FLOOR)
        cell = "0" if name == FLOOR else microseconds(beyond, signed=True)
        table.rows.append(Row(name, (nanoseconds(measured.each(name)), cell), "holdfast" in name))
        if name in _GOALS:
            text = f"{name} under 1 µs beyond a bare set and reset"
            part.goals.append(at_most(text, beyond, 1e-6, _micro))
    return part


def _micro(spread: Any) -> str:
    return f"{microseconds(spread, signed=True)} µs"


def _names() -> dict[str, Any]:
    var: ContextVar[object] = ContextVar("bare")
    # As a scope finds it: something is there already. The very first set costs three times as much.
    var.set(None)

    @contextmanager
    def bare() -> Any:
        token = var.set(None)
        try:
            yield
        finally:
            var.reset(token)

    return {
        "var": var,
        "value": object(),
        "pair": ("GET", "/"),
        "bare": bare,
        "Scope": holdfast.Scope,
        "set_scope": scope_var.set,
        "nowhere": scope_var.get(),
        "open_scope": holdfast.open_scope,
        "set_current_request": crum.set_current_request,
        "local": Local(),
        "request_cycle_context": request_cycle_context,
        "flask_app": flask_app(),
    }
