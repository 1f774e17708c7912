"""Reading and writing through the proxies."""

from __future__ import annotations

from .report import Part, against_floor, at_least, at_most, times
from .rounds import Effort, Measured, measure
from .snippets import nothing, snippet
from .stand_ins import everything_bound

NAME = "reading"

FLOOR = "var.get().user, a bare ContextVar"
WERKZEUG = "werkzeug: LocalProxy(var).user"
USER = "holdfast.request.user"
OTHER = "holdfast.request.shelf, not a name of Django's"

_READS = {
    FLOOR: "var.get().user",
    USER: "request.user",
    OTHER: "request.shelf",
    "holdfast.state.user": "state.user",
    "holdfast.state.get('user')": "state.get('user')",
    "'user' in holdfast.state": "'user' in state",
    "holdfast.proxy(var).user": "proxied.user",
    "django-crum: get_current_request().user": "get_current_request().user",
    WERKZEUG: "werkzeug_proxy.user",
    "Flask: request.user": "flask_request.user",
    "Flask: g.user": "g.user",
    "asgiref: Local().request.user": "asgiref_local.request.user",
    "starlette-context: context['user']": "starlette_context['user']",
    "django-guid: get_guid()": "get_guid()",
}

WRITE_FLOOR = "var.get().n = 1, a bare ContextVar"

_WRITES = {
    WRITE_FLOOR: "var.get().n = one",
    "holdfast.state.n = 1": "state.n = one",
    "holdfast.request.n = 1": "request.n = one",
    "holdfast.current().state.n = 1": "current().state.n = one",
    "django-crum: get_current_request().n = 1": "get_current_request().n = one",
    "werkzeug: LocalProxy(var).n = 1": "werkzeug_proxy.n = one",
    "Flask: g.n = 1": "g.n = one",
    "asgiref: Local().n = 1": "asgiref_local.n = one",
    "starlette-context: context['n'] = 1": "starlette_context['n'] = one",
    "django-guid: set_guid(1)": "set_guid(one)",
}


def run(effort: Effort) -> Part:
    """Measure reads, then writes."""
    reads = _measured(_READS, effort)
    writes = _measured(_WRITES, effort)
    ours = tuple(name for name in (*_READS, *_WRITES) if "holdfast" in name)
    part = Part(NAME, "Reading and writing through a proxy")
    part.tables = [
        against_floor("Reading an attribute", reads, FLOOR, ours=ours),
        against_floor("Writing an attribute", writes, WRITE_FLOOR, ours=ours),
    ]
    for name in (USER, OTHER):
        spread = reads.ratio(name, FLOOR)
        part.goals.append(at_most(f"{name}: at most 5x {FLOOR}", spread, 5, times))
    spread = reads.ratio(WERKZEUG, USER)
    part.goals.append(
        at_least(f"{USER}: at least 10 times as fast as werkzeug's LocalProxy", spread, 10, times)
    )
    return part


def _measured(statements: dict[str, str], effort: Effort) -> Measured:
    with everything_bound() as names:
        subjects = [snippet(name, statement, names) for name, statement in statements.items()]
        return measure(subjects, effort, overhead=nothing())
