"""`current()`."""

from __future__ import annotations

from .report import Part, against_floor, at_most, times
from .rounds import Effort, measure
from .snippets import nothing, snippet
from .stand_ins import everything_bound

NAME = "current"

FLOOR = "var.get(), a bare ContextVar"
OURS = "holdfast.current()"
FUNCTION = "def f(): return var.get(), called"

_CALLS = {
    FLOOR: "var.get()",
    FUNCTION: "function()",
    OURS: "current()",
    "holdfast.current(None)": "current(None)",
    "django-crum: get_current_request()": "get_current_request()",
    "werkzeug: LocalProxy(var)._get_current_object()": "werkzeug_proxy._get_current_object()",
    "asgiref: Local().request": "asgiref_local.request",
    "django-guid: get_guid()": "get_guid()",
}


def run(effort: Effort) -> Part:
    """Measure how the scope itself is come by."""
    with everything_bound() as names:
        names["function"] = _function(names["var"].get)
        subjects = [snippet(name, statement, names) for name, statement in _CALLS.items()]
        measured = measure(subjects, effort, overhead=nothing())
    part = Part(NAME, "The scope itself")
    part.tables = [
        against_floor("current()", measured, FLOOR, ours=(OURS, "holdfast.current(None)"))
    ]
    text = f"{OURS}: at most 2.5x {FLOOR}"
    part.goals = [at_most(text, measured.ratio(OURS, FLOOR), 2.5, times)]
    return part


def _function(get: object) -> object:
    # The least that anything written in Python can cost here.
    namespace = {"get": get}
    exec("def function():\n    return get()", namespace)  # noqa: S102 - a global, as in a module
    return namespace["function"]
