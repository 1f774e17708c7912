"""S9a: a call that blocks the event loop."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..file import Defined, File
from ..findings import Finding
from ..frameworks import Kind
from ..index import called_as
from ..names import walk
from ..project import Function
from ..waiting import DATABASE, DISK, SAVES, SERVER, SESSIONS, VERBS, waits, why_named

CODE = "S9a"
TITLE = "A blocking call on the event loop"
REASON = """While a coroutine waits in a call that isn't awaited, nothing else runs in its process:
all other requests stand still, for as long as the database, the other server or the disk takes."""
WRONG = """
import time

from django.http import HttpResponse

async def report(request):
    time.sleep(1)
    return HttpResponse("done")
"""
RIGHT = """
import asyncio

from django.http import HttpResponse

async def report(request):
    await asyncio.sleep(1)
    return HttpResponse("done")
"""
_TO_THREAD = ("sync_to_async", "database_sync_to_async", "to_thread", "run_in_executor")
_DEEPEST = 4


def check(file: File) -> Iterator[Finding]:
    """Calls in coroutines, and in what they call."""
    for function in file.functions:
        if isinstance(function.node, ast.AsyncFunctionDef) and _on_the_loop(file, function):
            seen: set[str] = set()
            for node, why in _blocking(file, function):
                func = node.func if isinstance(node, ast.Call) else node
                written = ast.unparse(func)
                if written not in seen:
                    seen.add(written)
                    yield _found(file, function, node, written, why)


def _found(file: File, function: Defined, node: ast.expr, written: str, why: str) -> Finding:
    called = f"{written}()" if isinstance(node, ast.Call) else written
    sure = bool(file.reached(function)) and DISK not in why
    return file.finding(
        CODE,
        node,
        f"{called} blocks the event loop in {function.name}: {why}, and every other"
        " request of the process waits with it.",
        "Await its async twin, or call it through asgiref's sync_to_async.",
        symbol=function.name,
        attribute=called,
        confidence="high" if sure else "medium",
    )


def _on_the_loop(file: File, function: Defined) -> bool:
    """Whether requests may share the loop: not with a command's, or a script's, own."""
    if file.reached(function):
        return True
    index = file.index.functions.get(function.name)
    if index is None or file.lifetimes.is_apart(Function(file.index, index)):
        return False
    return not any(
        isinstance(statement, ast.If) and "__main__" in ast.unparse(statement.test)
        for statement in file.tree.body
    )


def _blocking(file: File, function: Defined) -> Iterator[tuple[ast.expr, str]]:
    """What blocks in the coroutine, and why, in the order of the text."""
    known = {id(node): (node, why) for node, why in waits(function.node, function.names)}
    parts = walk(function.node)
    awaited = {id(part.value) for part in parts if isinstance(part, ast.Await)} | {
        id(part.iter)
        for part in parts
        if isinstance(part, ast.AsyncFor) or (isinstance(part, ast.comprehension) and part.is_async)
    }
    for part in parts:
        if id(part) in known:
            yield known[id(part)]
        elif isinstance(part, ast.Call) and id(part) not in awaited:
            why = (
                why_named(file.project.canonical(function.names.of(part.func)))
                or _of_variable(file, function, part)
                or _of_attribute(file, function.class_name, called_as(part.func, function.names))
                or _deeper(file, function, part)
            )
            if why:
                yield part, why


def _of_variable(file: File, function: Defined, call: ast.Call) -> str:
    """`article = Article(...)`, and then `article.save()`."""
    if not isinstance(call.func, ast.Attribute) or not isinstance(call.func.value, ast.Name):
        return ""
    if call.func.attr not in SAVES:
        return ""
    for part in walk(function.node):
        if isinstance(part, ast.Assign) and isinstance(part.value, ast.Call):
            if any(isinstance(t, ast.Name) and t.id == call.func.value.id for t in part.targets):
                made_by = file.project.canonical(function.names.of(part.value.func))
                if made_by and file.lifetimes.kind(made_by) is Kind.MODEL:
                    return DATABASE
    return ""


def _of_attribute(file: File, class_name: str, called: str) -> str:
    """`self.session.get(...)`, of a `requests.Session` that `__init__` has made."""
    holder, _, name = called.removeprefix("self.").partition(".")
    if not class_name or not called.startswith("self.") or name not in VERBS:
        return ""
    for ancestor in file.project.ancestors(class_name):
        found = file.project.class_(ancestor)
        if found is not None and file.project.canonical(found[1].holds.get(holder, "")) in SESSIONS:
            return SERVER
    return ""


def _deeper(file: File, function: Defined, call: ast.Call) -> str:
    for callee in _callees(file, function, call):
        if callee.index.is_async or callee.index.name.endswith(("__init__", "__call__")):
            continue
        if any(decorator.endswith(_TO_THREAD) for decorator in callee.index.decorators):
            continue
        why = _function_blocks(file, callee, 1)
        if why:
            return f"it calls {callee.index.name}, and {why}"
    return ""


def _callees(file: File, function: Defined, call: ast.Call) -> Iterator[Function]:
    """What the call reaches, functions within this one and within those around it included."""
    yield from file.callees(function, call)
    around: Defined | None = function
    while around is not None and isinstance(call.func, ast.Name):
        inner = file.index.functions.get(f"{around.name}.{call.func.id}")
        if inner is not None:
            yield Function(file.index, inner)
            return
        around = around.outer


def _function_blocks(file: File, function: Function, depth: int) -> str:
    if function.class_name and file.lifetimes.kind(function.class_name) is Kind.TEST:
        return ""
    if any(called.endswith(_TO_THREAD) for called in function.index.calls):
        return ""  # what it calls may run in the thread
    if function.index.waits:
        return function.index.waits
    for called in function.index.calls:
        why = "" if called.startswith(".") else why_named(file.project.canonical(called))
        why = why or _of_attribute(file, function.class_name, called)
        if why and why != DISK:
            return why
    if depth < _DEEPEST:
        callees = [
            callee
            for called in function.index.calls
            if not called.startswith(".")  # a guess by its name alone
            for callee in file.project.callees(called, function)
            if not callee.index.name.endswith("__call__")
        ]
        for callee in callees:
            if not callee.index.is_async and callee.full_name != function.full_name:
                why = _function_blocks(file, callee, depth + 1)
                if why:
                    return why
    return ""
