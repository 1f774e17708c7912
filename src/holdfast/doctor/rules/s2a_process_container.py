"""S2a: a module's or a class's container that requests change."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..file import Defined, File
from ..findings import Finding
from ..frameworks import SHARED, Kind
from ..names import dotted, walk
from ._identity import identities, is_identity, may_mention, written_under
from ._memo import is_memo
from ._taint import mentions, of_request

CODE = "S2a"
TITLE = "A container of the process that requests change"
REASON = """What a module or a class holds exists once in every worker. A request that writes there
is remembered by one worker out of four, is seen by other users of that worker, and what it wrote
stays until the worker ends."""
WRONG = """
from django.http import JsonResponse

recent = {}

def remember(request, key):
    recent[key] = request.GET["value"]
    return JsonResponse({})
"""
RIGHT = """
import holdfast
from django.http import JsonResponse

recent = holdfast.shared.dict("recent")

def remember(request, key):
    recent[key] = request.GET["value"]
    return JsonResponse({})
"""
_MUTATORS = frozenset(
    {
        "add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem",
        "popleft", "remove", "setdefault", "update",
    }
)  # fmt: skip
_REGISTERS = re.compile(r"regist(ry|er|ered)|(^|_)populate", re.IGNORECASE)
_REGISTRY = re.compile(
    r"register|(^|_)(connect|subscribe|autodiscover|setup)(_|$)|add_(hook|handler)", re.IGNORECASE
)
#: What objects are made for requests, or used by them: a method's name says nothing there.
_OF_REQUESTS = SHARED - {Kind.SINGLETON} | {Kind.VIEW, Kind.CONSUMER}
#: What Django's metaclass keeps of a form's fields, once for all forms of the class.
_FIELDS = frozenset({"base_fields", "declared_fields"})
_OF_CLASS = "an attribute of a class"
_OF_FORMS = "the fields of all forms"
#: Methods that run before all others of their object.
_FIRST = ("__init__", "setup", "dispatch", "initial", "connect", "websocket_connect")


def check(file: File) -> Iterator[Finding]:
    """Changes of containers that a request makes, other than filling registries and memos."""
    by_thread = may_mention(file)
    for function in file.functions:
        why = file.reached(function)
        if not why or _fills_a_registry(file, function):
            continue
        free = {
            n for part in walk(function.node) if isinstance(part, ast.Global) for n in part.names
        }
        changes = list(_changes(file, function, free))
        if not changes and not free:
            continue
        tainted = of_request(file, function)
        known = identities(file, function) if by_thread else set()
        seen: set[str] = set()
        for part in walk(function.node) if free else ():
            name = _global_of_request(function, part, free, tainted)
            if name and name not in seen:
                seen.add(name)
                yield file.finding(
                    CODE,
                    part,
                    f"{function.name} keeps data of its request in the global {name}: every other"
                    " request of this worker reads it, and writes it.",
                    "Keep it in holdfast.state, or pass it as an argument.",
                    symbol=function.name,
                    attribute=name,
                    severity="error",
                )
        for change in changes:
            name = change.holder.rpartition(".")[2]
            if name in seen or change.holder in seen or _REGISTERS.search(name):
                continue
            if not _is_of_request(function, change, tainted):
                continue
            if by_thread and _is_by_thread(file, function, change, known):
                continue  # S3b
            seen.add(change.holder)
            yield file.finding(
                CODE,
                change.node,
                f"{function.name} changes {name}, {change.kind} of the process, for a request"
                f" ({why}): other workers don't see it, and other users of this one do.",
                "Use holdfast.shared for what all workers must see, holdfast.state for what"
                " belongs to the request.",
                symbol=function.name,
                attribute=name,
                confidence="medium",
            )


@dataclass(frozen=True, slots=True)
class _Change:
    """A place that changes a container of the process.

    Attributes:
        node: the statement or the call.
        place: the container as it is written.
        key: under which something is changed, if that can be told.
        holder: the container's full name.
        kind: what it is, in words.
    """

    node: ast.AST
    place: ast.expr
    key: ast.expr | None
    holder: str
    kind: str


def _changes(file: File, function: Defined, free: set[str]) -> Iterator[_Change]:
    for part in walk(function.node):
        for place, key in _changed(part, free):
            holder, kind = _container(file, function, place, free)
            if holder:
                yield _Change(part, place, key, holder, kind)


def _is_of_request(function: Defined, change: _Change, tainted: set[str]) -> bool:
    """Whether it isn't a memo, and not the same whoever asks."""
    if is_memo(function, change.place, change.key, change.node, tainted):
        return False
    if isinstance(change.key, ast.Constant) and not tainted:
        return False  # one value for the process, from somewhere else
    same = (
        _is_for_all(change.node)
        or change.kind == _OF_FORMS
        # An object that is made puts the same into its class as all others do.
        or (change.kind == _OF_CLASS and function.own_name == "__init__")
    )
    return not same or mentions(change.node, tainted)


def _is_by_thread(file: File, function: Defined, change: _Change, known: set[str]) -> bool:
    return bool(written_under(file, function, change.node, known)) or (
        change.key is not None and is_identity(file, function, change.key, known)
    )


def _global_of_request(function: Defined, part: ast.AST, free: set[str], tainted: set[str]) -> str:
    """`global user; user = request.user`: the global's name."""
    if not isinstance(part, ast.Assign) or not free:
        return ""
    for target in part.targets:
        pairs = [(target, part.value)]
        if isinstance(target, ast.Tuple) and isinstance(part.value, ast.Tuple):
            pairs = list(zip(target.elts, part.value.elts, strict=False))
        elif isinstance(target, ast.Tuple):
            pairs = [(one, part.value) for one in target.elts]
        for one, value in pairs:
            if isinstance(one, ast.Name) and one.id in free and mentions(value, tainted):
                if not is_memo(function, one, None, part, tainted):
                    return one.id
    return ""


def _changed(part: ast.AST, free: set[str]) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """The containers that a statement or a call changes, and the key."""
    if isinstance(part, ast.Assign | ast.AugAssign | ast.Delete):
        targets = [part.target] if isinstance(part, ast.AugAssign) else part.targets
        for target in targets:
            if isinstance(target, ast.Subscript):
                yield target.value, target.slice
            elif isinstance(target, ast.Name) and target.id in free:
                if not isinstance(part, ast.Delete) and not isinstance(part.value, ast.Constant):
                    yield target, None
            elif isinstance(target, ast.Attribute) and not isinstance(part, ast.Delete):
                if isinstance(part, ast.Assign) and dotted(target.value) == "self":
                    continue  # the object gets one of its own
                yield target, None
    elif (
        isinstance(part, ast.Call)
        and isinstance(part.func, ast.Attribute)
        and part.func.attr in _MUTATORS
    ):
        yield part.func.value, part.args[0] if part.args else None


def _container(file: File, function: Defined, place: ast.expr, free: set[str]) -> tuple[str, str]:
    """The full name of the container, and what it is; nothing, if it isn't one of the process."""
    fields: ast.expr = place.value if isinstance(place, ast.Attribute) else place
    while isinstance(fields, ast.Subscript):
        fields = fields.value
    if isinstance(fields, ast.Attribute) and fields.attr in _FIELDS:
        written = ast.unparse(fields.value)
        own = written in {"self", "cls", "self.__class__", "type(self)"} and function.class_name
        full = own or file.project.canonical(function.names.of(fields.value))
        return (
            (f"{full}.{fields.attr}", _OF_FORMS)
            if file.project.class_in_project(full)
            else ("", "")
        )
    while isinstance(place, ast.Subscript):
        place = place.value
    project = file.project
    if isinstance(place, ast.Name) and place.id in free:
        value = file.index.assigned.get(place.id, "")
        if _kind(value):
            return f"{file.index.name}.{place.id}", "a global"
        return "", ""
    if isinstance(place, ast.Attribute):
        owner = place.value
        if isinstance(owner, ast.Attribute) and owner.attr == "__class__":
            owner = owner.value
        if isinstance(owner, ast.Name) and owner.id in {"cls", "self"} and function.class_name:
            found = project.attribute(function.class_name, place.attr)
            if found is None or not _kind(found[1]) or _own(file, function, place.attr):
                return "", ""
            if not project.class_in_project(found[0]):
                return "", ""
            return f"{found[0]}.{place.attr}", _OF_CLASS
    full = function.names.of(place)
    if not full or "." not in full:
        return "", ""
    full = project.canonical(full)
    owner_name, _, name = full.rpartition(".")
    module = project.modules.get(owner_name)
    if module is not None and _kind(module.assigned.get(name, "")):
        return full, "a global"
    if project.class_in_project(owner_name):
        found = project.attribute(owner_name, name)
        if found is not None and _kind(found[1]):
            return full, _OF_CLASS
    return "", ""


def _is_for_all(part: ast.AST) -> bool:
    """Whether it updates a dict under the same keys each time."""
    return (
        isinstance(part, ast.Call)
        and isinstance(part.func, ast.Attribute)
        and part.func.attr == "update"
        and bool(part.args)
        and isinstance(part.args[0], ast.Dict)
        and all(isinstance(key, ast.Constant) for key in part.args[0].keys)
    )


def _own(file: File, function: Defined, attribute: str) -> bool:
    """Whether objects of the class get a container of their own before others use it."""
    for ancestor in file.project.ancestors(function.class_name):
        for name in {*_FIRST, function.own_name}:
            made = file.project.method(ancestor, name)
            if made is not None and attribute in made.index.writes.get("self", ()):
                return True
    return False


def _kind(value: str) -> bool:
    """Whether an assigned value is something that can be changed."""
    if value in {"dict", "list", "set"}:
        return True
    if not value.startswith("call:"):
        return False
    made = value[5:]
    return made in {"dict", "list", "set", "defaultdict"} or made.startswith(
        ("collections.", "cachetools.", "weakref.WeakValue", "weakref.WeakKey")
    )


def _fills_a_registry(file: File, function: Defined) -> bool:
    """Whether the function is there to be called while the project is loaded."""
    if "request" not in function.parameters and not (
        function.class_name and file.lifetimes.kind(function.class_name) in _OF_REQUESTS
    ):
        one: Defined | None = function
        while one is not None:
            if _REGISTRY.search(one.own_name):
                return True
            one = one.outer
        if _REGISTERS.search(function.name):
            return True
    full = f"{file.index.name}.{function.name}"
    return full in file.project.called_at_import
