"""S5a: what is set for one request and still there for the next one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ..file import Defined, File
from ..findings import Finding
from ..names import FunctionNode, everything, walk
from ..project import Function
from ._middleware import factories, middlewares

CODE = "S5a"
TITLE = "Set for a request, and not taken back on every path to the next one"
REASON = """A worker's thread serves one request after another, and most libraries keep what is
"current" by thread or context: the time zone, the language, the user. What one request sets and
doesn't take back, also after an exception and for those to whom it doesn't apply, is what the next
one finds."""
WRONG = """
from django.utils import timezone

class TimeZone:
    async_capable = True

    def process_request(self, request):
        if request.user.is_authenticated:
            timezone.activate(request.user.time_zone)
"""
RIGHT = """
from django.utils import timezone

class TimeZone:
    async_capable = True

    def process_request(self, request):
        if request.user.is_authenticated:
            timezone.activate(request.user.time_zone)
        else:
            timezone.deactivate()
"""
_SETS = {
    "django.utils.translation.activate": "the language",
    "django.utils.timezone.activate": "the time zone",
}
_RESETS = {
    "django.utils.translation.deactivate": "the language",
    "django.utils.translation.deactivate_all": "the language",
    "django.utils.timezone.deactivate": "the time zone",
}
_BEFORE = ("process_request", "process_view", "__call__", "__acall__")
_LOCALS = frozenset({"threading.local", "_thread._local", "asgiref.local.Local"})
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class _Set:
    """Something set for the request: where, what, and whether each request sets it."""

    node: ast.AST
    what: str
    always: bool


def check(file: File) -> Iterator[Finding]:
    """Middleware that sets what is current, and what it does about it afterwards."""
    by_name = {function.name: function for function in file.functions}
    for class_ in middlewares(file):
        methods = {method.own_name: method for method in file.methods(class_)}
        if "__call__" in methods and not _calls_super(methods["__call__"].node):
            # Hooks that its own __call__ doesn't call are never run.
            live = _live(methods)
            methods = {name: method for name, method in methods.items() if name in live}
        before = [methods[name] for name in _BEFORE if name in methods]
        yield from _judge(file, class_.name, before, list(methods.values()))
    for function, inner in factories(file):
        defined = by_name.get(f"{function.name}.{inner.name}")
        if defined is not None:
            yield from _judge(file, function.name, [defined], [defined])


def _calls_super(node: FunctionNode) -> bool:
    return any(
        isinstance(part, ast.Call) and ast.unparse(part.func).startswith("super()")
        for part in walk(node)
    )


def _live(methods: dict[str, Defined]) -> set[str]:
    """Methods that `__call__` reaches, and those that Django calls whatever `__call__` does."""
    live: set[str] = set()
    todo = [
        n for n in ("__call__", "__acall__", "process_view", "process_exception") if n in methods
    ]
    while todo:
        name = todo.pop()
        if name in live:
            continue
        live.add(name)
        todo += [
            part.attr
            for part in everything(methods[name].node)
            if isinstance(part, ast.Attribute) and part.attr in methods
        ]
    return live


def _judge(
    file: File, owner: str, before: list[Defined], everything: list[Defined]
) -> Iterator[Finding]:
    taken_back = {what for method in everything for what in _resets(file, method)}
    seen: set[str] = set()
    for method in before:
        for found in _sets(file, method):
            if found.what in seen:
                continue
            seen.add(found.what)
            if found.what in taken_back or _matches_any(found.what, taken_back):
                continue
            if found.always and found.what in {"the language", "the time zone"}:
                continue  # each request sets its own
            yield file.finding(
                CODE,
                found.node,
                f"{owner} sets {found.what} for a request and never takes it back: the next request"
                " of the same thread finds it, also one that it was not meant for.",
                "Take it back in a finally around get_response, or set it for every request.",
                symbol=method.name,
                attribute=found.what,
            )


def _matches_any(what: str, taken_back: set[str]) -> bool:
    return any(what.startswith(f"{one}.") or one.startswith(f"{what}.") for one in taken_back)


def _sets(file: File, method: Defined) -> Iterator[_Set]:
    """What the method sets before the view runs, itself or through functions of the project."""
    for part, conditional in _with_conditions(method.node):
        if isinstance(part, ast.Call):
            full = file.project.canonical(method.names.of(part.func))
            if full in _SETS and not _within_override(part, method):
                yield _Set(part, _SETS[full], not conditional)
                continue
            for callee in file.callees(method, part):
                for what in sorted(_writes_of(file, callee, 1)):
                    yield _Set(part, what, not conditional)
        elif isinstance(part, ast.Assign):
            for target in part.targets:
                what = _local_written(file, method.names.of(target))
                if what and not _is_nothing(part.value):
                    yield _Set(part, what, not conditional)


def _within_override(call: ast.Call, method: Defined) -> bool:
    del call
    return any(
        isinstance(part, ast.Try)
        and part.finalbody
        and "activate" in ast.unparse(part.finalbody[0])
        for part in walk(method.node)
    )


def _with_conditions(node: ast.AST, *, conditional: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """The parts of a function, and whether each runs for some requests only."""
    both = False
    if isinstance(node, ast.If):
        both = bool(node.orelse) and _SET_WORD in ast.unparse(ast.Module(node.orelse, []))
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FunctionNode | ast.ClassDef | ast.Lambda):
            continue
        inside = conditional
        if isinstance(node, ast.If) and child is not node.test and not both:
            inside = True
        if isinstance(node, ast.Try) and isinstance(child, ast.ExceptHandler):
            inside = True
        yield child, inside
        yield from _with_conditions(child, conditional=inside)


_SET_WORD = "activate("


def _is_nothing(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _local_written(file: File, full: str) -> str:
    """`the thread-local x`, if *full* names an attribute of one."""
    holder = full.rpartition(".")[0]
    if holder and _is_local(file, holder):
        return full
    return ""


def _is_local(file: File, full: str) -> bool:
    """Whether the name is bound to a thread-local object, at a module's top or in a class."""
    project = file.project
    full = project.canonical(full)
    owner, _, name = full.rpartition(".")
    module = project.modules.get(owner)
    value = module.assigned.get(name, "") if module is not None else ""
    if not value:
        found = project.class_(owner) if owner else None
        value = found[1].attributes.get(name, "") if found is not None else ""
    if not value.startswith("call:"):
        return False
    made = project.canonical(value[5:])
    return made in _LOCALS or any(one in _LOCALS for one in project.ancestors(made))


def _writes_of(file: File, function: Function, depth: int) -> set[str]:
    """Thread-local attributes that a function of the project sets, itself or through others."""
    found = (
        {
            f"{file.project.canonical(holder)}"
            for holder, values in function.index.writes.items()
            if _is_local(file, _of_class(holder, function)) and values
        }
        if not function.index.clears
        else set()
    )
    if depth < _DEEPEST and not function.index.name.startswith(("get_", "_get")):
        for callee in file.project.called_by(function):
            if callee.full_name != function.full_name:
                found |= _writes_of(file, callee, depth + 1) if depth < 2 else set()  # noqa: PLR2004
    return found


def _of_class(holder: str, function: Function) -> str:
    if holder.startswith("self.") and function.class_name:
        return f"{function.class_name}.{holder[5:]}"
    return holder


def _resets(file: File, method: Defined) -> Iterator[str]:
    """What the method takes back."""
    for part in everything(method.node):
        if isinstance(part, ast.Call):
            full = file.project.canonical(method.names.of(part.func))
            if full in _RESETS:
                yield _RESETS[full]
            for callee in file.callees(method, part):
                yield from _cleared_by(file, callee, 1)
        elif isinstance(part, ast.Delete) or (
            isinstance(part, ast.Assign) and _is_nothing(part.value)
        ):
            for target in part.targets:
                what = _local_written(file, method.names.of(target))
                if what:
                    yield what


def _cleared_by(file: File, function: Function, depth: int) -> Iterator[str]:
    for holder in function.index.clears:
        if _is_local(file, _of_class(holder, function)):
            yield file.project.canonical(holder)
    if depth < _DEEPEST:
        for callee in file.project.called_by(function):
            if callee.full_name != function.full_name and depth < 2:  # noqa: PLR2004
                yield from _cleared_by(file, callee, depth + 1)
