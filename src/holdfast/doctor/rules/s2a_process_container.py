"""S2a: a module's or a class's container that requests change."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..file import Defined, File
from ..findings import Finding
from ..names import dotted, walk
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
_REGISTRY = ("register", "connect", "subscribe", "autodiscover", "add_hook", "add_handler", "setup")


def check(file: File) -> Iterator[Finding]:
    """Changes of containers that a request makes, other than filling registries and memos."""
    project = file.project
    seen: set[tuple[str, str]] = set()
    for function in file.functions:
        why = file.reached(function)
        if not why or _fills_a_registry(file, function):
            continue
        free = {
            n for part in walk(function.node) if isinstance(part, ast.Global) for n in part.names
        }
        for part in walk(function.node):
            name = _global_of_request(function, part, free)
            if name and (name, function.name) not in seen:
                seen.add((name, function.name))
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
                continue
            for place, keyed_by in _changed(part, free):
                holder, kind = _container(file, function, place, free)
                if (
                    not holder
                    or (holder, function.name) in seen
                    or _is_memo(function, place, keyed_by, part)
                ):
                    continue
                if isinstance(keyed_by, ast.Constant) and not of_request(function):
                    continue  # one value for the process, from somewhere else
                seen.add((holder, function.name))
                name = holder.rpartition(".")[2]
                if _REGISTERS.search(name):
                    continue
                yield file.finding(
                    CODE,
                    part,
                    f"{function.name} changes {name}, {kind} of the process, for a request"
                    f" ({why}): other workers don't see it, and other users of this one do.",
                    "Use holdfast.shared for what all workers must see, holdfast.state for what"
                    " belongs to the request.",
                    symbol=function.name,
                    attribute=name,
                    confidence="medium",
                )
    del project


def _global_of_request(function: Defined, part: ast.AST, free: set[str]) -> str:
    """`global user; user = request.user`: the global's name."""
    if not isinstance(part, ast.Assign) or not free:
        return ""
    tainted = of_request(function)
    for target in part.targets:
        if isinstance(target, ast.Name) and target.id in free and mentions(part.value, tainted):
            if not _is_memo(function, target, None, part):
                return target.id
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
            return f"{found[0]}.{place.attr}", "an attribute of a class"
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
            return full, "an attribute of a class"
    return "", ""


def _own(file: File, function: Defined, attribute: str) -> bool:
    """Whether objects of the class get a container of their own when they are made."""
    for ancestor in file.project.ancestors(function.class_name):
        made = file.project.method(ancestor, "__init__")
        if made is not None and f"self.{attribute}" in made.index.writes:
            return True
        if made is not None and any(
            attribute in values for holder, values in made.index.writes.items() if holder == "self"
        ):
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
    names = function.name.lower()
    if any(word in names for word in _REGISTRY) or _REGISTERS.search(names):
        return True
    full = f"{file.index.name}.{function.name}"
    return full in file.project.called_at_import


def _is_memo(function: Defined, place: ast.expr, key: ast.expr | None, change: ast.AST) -> bool:
    """Whether the function looks the key up first and returns what it finds: its own cache."""
    written = ast.unparse(place)
    if isinstance(change, ast.AugAssign):
        return True  # a figure of this process
    for part in walk(function.node):
        if (
            key is not None
            and isinstance(part, ast.Call)
            and isinstance(part.func, ast.Attribute)
            and part.func.attr == "get"
            and part.args
            and ast.unparse(part.func.value) == written
            and ast.unparse(part.args[0]) == ast.unparse(key)
        ):
            return True
        if isinstance(part, ast.Compare) and any(
            isinstance(op, ast.In | ast.NotIn) for op in part.ops
        ):
            if ast.unparse(part.comparators[-1]) == written:
                return True
        if isinstance(part, ast.Return) and part.value is not None and key is not None:
            if written in ast.unparse(part.value):
                return True
        if isinstance(part, ast.Try) and any(
            "KeyError" in ast.unparse(handler.type) for handler in part.handlers if handler.type
        ):
            if written in ast.unparse(part.body[0]):
                return True
        if key is None and isinstance(part, ast.If) and written in ast.unparse(part.test):
            return True
    return False
