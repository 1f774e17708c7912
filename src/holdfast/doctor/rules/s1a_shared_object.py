"""S1a: data of one request on an object that many requests share."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ..file import Defined, DefinedClass, File
from ..findings import Finding
from ..frameworks import Kind
from ..index import REQUEST_DATA
from ..names import FunctionNode, dotted, everything, walk
from ..once import guards, is_looked_for
from ._own import Own, Write
from ._taint import mentions, request_data

CODE = "S1a"
TITLE = "Data of one request on an object that outlives it"
REASON = """A middleware, a ModelAdmin, a feed or a view object in a URLconf, a template node: there
is one of each in a process, and all requests that run at the same time use it. What one request
writes onto it, the others read, and overwrite."""
WRONG = """
import time

class Timing:
    async_capable = True

    def process_request(self, request):
        self.started = time.monotonic()

    def process_response(self, request, response):
        response["X-Seconds"] = str(time.monotonic() - self.started)
        return response
"""
RIGHT = """
import time

class Timing:
    async_capable = True

    def process_request(self, request):
        request.started = time.monotonic()

    def process_response(self, request, response):
        response["X-Seconds"] = str(time.monotonic() - request.started)
        return response
"""
_SHARED = {
    Kind.MIDDLEWARE,
    Kind.ADMIN,
    Kind.FEED,
    Kind.NODE,
    Kind.CALLABLE_VIEW,
    Kind.SINGLETON,
}
#: How methods call the request, and what comes with it: a test of it holds for one request.
_GIVEN = {
    Kind.MIDDLEWARE: {"req", "request", "response", "view_func", "view_func_args", "view_kwargs"},
    Kind.ADMIN: {
        "change", "form", "formset", "obj", "object_id", "queryset", "req", "request", "user",
    },
}  # fmt: skip
_THE_REQUEST = frozenset({"context", "req", "request", "user"})
#: Calls that give something else each time, and `connection.queries`.
_EACH_TIME_ANOTHER = frozenset(
    {
        "get_random_string", "getrandbits", "getrusage", "monotonic", "monotonic_ns", "now",
        "perf_counter", "perf_counter_ns", "process_time", "queries", "randint", "random", "time",
        "time_ns", "today", "token_bytes", "token_hex", "token_urlsafe", "urandom", "utcnow",
        "uuid1", "uuid4",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Run:
    """A method that requests run, or a function within one."""

    function: Defined
    own: Own
    tainted: set[str]
    given: set[str]


def check(file: File) -> Iterator[Finding]:
    """Writes to `self`, to the class, and to what they hold, while a request is served."""
    for class_ in file.classes:
        kind = file.lifetimes.kind(class_.full_name)
        if kind not in _SHARED or _is_local(file, class_):
            continue
        runs = _runs(file, class_, kind)
        for run, write in _of_request(runs, kind):
            yield file.finding(
                CODE,
                write.node,
                f"{kind.value}: two requests at once both write {write.place}, and each reads what"
                " the other wrote last.",
                "Keep it on the request, in holdfast.state, or pass it as an argument.",
                symbol=run.function.name,
                attribute=write.place,
                severity="error",
            )


def _is_local(file: File, class_: DefinedClass) -> bool:
    """Whether each thread or task has its own attributes on such an object: S3's matter."""
    return any(
        ancestor.endswith((".local", ".Local"))
        for ancestor in file.project.ancestors(class_.full_name)
    )


def _runs(file: File, class_: DefinedClass, kind: Kind) -> list[_Run]:
    """The class's methods that requests run, also those that they only pass on to be called."""
    methods = list(file.methods(class_))
    reached = file.lifetimes.at_request_time(class_.full_name)
    todo = [method for method in methods if method.own_name in reached]
    runs: list[_Run] = []
    while todo:
        method = todo.pop(0)
        if any(run.function is method for run in runs):
            continue
        if kind is Kind.SINGLETON:
            # Most such objects are registries and clients: only what is called a request's counts.
            given = set(REQUEST_DATA).intersection(method.parameters)
        else:
            given = set(method.parameters)
        known = set(_GIVEN.get(kind, _THE_REQUEST).intersection(method.parameters))
        runs.append(
            _Run(
                method,
                Own(class_, method),
                request_data(method, given) if given else set(),
                request_data(method, known) if known else set(),
            )
        )
        if kind is Kind.MIDDLEWARE and method.self_name:
            named = {
                part.attr
                for part in walk(method.node)
                if isinstance(part, ast.Attribute) and dotted(part.value) == method.self_name
            }
            todo += [other for other in methods if other.own_name in named]
    if kind is Kind.MIDDLEWARE:
        runs += [
            _Run(inner, run.own, run.tainted.union(inner.parameters), run.given)
            for run in runs
            for inner in file.functions
            if inner.outer is run.function
        ]
    return runs


def _of_request(runs: list[_Run], kind: Kind) -> Iterator[tuple[_Run, Write]]:
    """The writes of what belongs to one request."""
    said: set[str] = set()
    others: list[tuple[_Run, Write]] = []
    for run in runs:
        kept = _kept_aside(run.function.node, run.own)
        seen: set[str] = set()
        for write in run.own.writes(run.function.node):
            if write.place in seen:
                continue
            if kind is Kind.SINGLETON:
                value = write.value
                certain = write.plain and value is not None and mentions(value, run.tainted)
            else:
                certain = _is_of_request(write, run, kind) or _puts_back(write.value, kept)
            if _is_once(run, write):
                continue
            if certain:
                seen.add(write.place)
                said.add(write.attribute)
                yield run, write
            else:
                others.append((run, write))
    if kind not in {Kind.MIDDLEWARE, Kind.ADMIN}:
        return
    differing = _differing(others, kind)
    used = {
        run.own.read(part)
        for run in runs
        for part in walk(run.function.node)
        if not isinstance(getattr(part, "ctx", None), ast.Store)
    }
    for run, write in others:
        name = write.attribute
        if name in said or (kind is Kind.ADMIN and not run.given):
            continue
        if kind is Kind.ADMIN:
            counts = name in differing or _depends_on_request(run, write, around=False)
        else:
            counts = name in used and (
                (_is_literal(write.value) and name in differing)
                or (_is_literal(write.value) and _depends_on_request(run, write, around=True))
                or (write.plain and _is_made(write.value))
            )
        if counts:
            said.add(name)
            yield run, write


def _is_of_request(write: Write, run: _Run, kind: Kind) -> bool:
    """Whether the value is of this request: made from what came with it, or made anew for it."""
    value = write.value
    if value is None:
        return False
    if mentions(value, run.tainted):
        return True
    if isinstance(value, ast.Call) and not value.args and not value.keywords:
        return True
    return (
        kind is Kind.MIDDLEWARE
        and write.plain
        and any(
            isinstance(part, ast.Call | ast.Attribute)
            and dotted(part.func if isinstance(part, ast.Call) else part).rpartition(".")[2]
            in (_EACH_TIME_ANOTHER if isinstance(part, ast.Call) else {"queries"})
            for part in everything(value)
        )
    )


def _is_once(run: _Run, write: Write) -> bool:
    """Whether the write only fills in, or renews, what is no request's."""
    node, own = run.function.node, run.own
    if not is_looked_for(node, write.node, write.attribute, own.read, own.written):
        return False
    value = getattr(write.node, "value", None)
    if value is None:
        return True
    known = run.tainted & _THE_REQUEST
    return not mentions(value, request_data(run.function, known) if write.plain else known)


def _depends_on_request(run: _Run, write: Write, *, around: bool) -> bool:
    """Whether a test of the request decides if it is written."""
    return any(
        mentions(guard.looks[0], run.given)
        and not any(run.own.read(part) for part in everything(guard.looks[0]))
        for guard in guards(run.function.node.body, write.node)
        if isinstance(guard.looks[0], ast.expr) and (guard.around or not around)
    )


def _differing(writes: list[tuple[_Run, Write]], kind: Kind) -> set[str]:
    """Attributes that are not always given the same."""
    values: dict[str, set[str]] = {}
    changed = set()
    for _, write in writes:
        if write.plain and write.value is not None:
            values.setdefault(write.attribute, set()).add(ast.unparse(write.value))
        elif kind is Kind.MIDDLEWARE:
            changed.add(write.attribute)
    return {name for name, given in values.items() if len(given) > 1 or name in changed}


def _is_literal(value: ast.expr | None) -> bool:
    if isinstance(value, ast.List | ast.Tuple | ast.Set):
        return all(_is_literal(one) for one in value.elts)
    return isinstance(value, ast.Constant) or (isinstance(value, ast.Dict) and not value.keys)


def _is_made(value: ast.expr | None) -> bool:
    """Whether it is a new object of some class: `Profile(builtins=False)`."""
    return (
        isinstance(value, ast.Call)
        and dotted(value.func).rpartition(".")[2][:1].isupper()
        and not any(isinstance(p, ast.Name) and p.id == "settings" for p in everything(value))
    )


def _kept_aside(node: FunctionNode, own: Own) -> set[str]:
    """Variables that hold what an attribute was before: `saved = self.template`."""
    return {
        target.id
        for part in walk(node)
        if isinstance(part, ast.Assign)
        and isinstance(part.value, ast.Attribute)
        and own.is_own(part.value.value)
        for target in part.targets
        if isinstance(target, ast.Name)
        and any(
            isinstance(later, ast.Assign)
            and isinstance(later.value, ast.Name)
            and later.value.id == target.id
            and any(ast.unparse(place) == ast.unparse(part.value) for place in later.targets)
            for later in walk(node)
        )
    }


def _puts_back(value: ast.expr | None, kept: set[str]) -> bool:
    return isinstance(value, ast.Name) and value.id in kept
