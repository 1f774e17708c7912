"""S3b: data of a request under the identity of its thread."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..file import Defined, File
from ..findings import Finding
from ..names import everything, walk

CODE = "S3b"
TITLE = "Request data keyed by thread or greenlet"
REASON = """A dict keyed by the current thread is a threading.local by hand, with all that is wrong
with it: a thread is not a request. And identities are given out again: who asks before writing
reads what an earlier request left, and what nobody removes stays."""
WRONG = """
import threading

class CurrentUser:
    async_capable = True
    users = {}

    def process_request(self, request):
        self.users[threading.current_thread()] = request.user
"""
RIGHT = """
import holdfast

class CurrentUser:
    async_capable = True

    def process_request(self, request):
        holdfast.state.user = request.user
"""
_IDENTITIES = frozenset(
    {
        "threading.current_thread", "threading.currentThread", "threading.get_ident",
        "threading.get_native_id", "_thread.get_ident", "thread.get_ident", "greenlet.getcurrent",
        "gevent.getcurrent", "asyncio.current_task", "eventlet.getcurrent",
    }
)  # fmt: skip
_SAYS_WHO = re.compile(
    r"(^|[._])((get_)?(thread_|greenlet_)?ident(_func)?_*|getcurrent|current_?[tT]hread|get_thread_id)$"
)
#: A file without any of these has nothing to look for.
_MENTIONS = re.compile(r"ident|thread|greenlet|getcurrent|current_task", re.IGNORECASE)
_DEEPEST = 2


def check(file: File) -> Iterator[Finding]:
    """Containers that are written under an identity."""
    if not _MENTIONS.search(file.source.text):
        return
    seen: set[str] = set()
    for function in file.functions:
        known = _identities(file, function)
        for part in walk(function.node):
            holder = _written(file, function, part, known)
            if not holder or holder in seen:
                continue
            seen.add(holder)
            yield file.finding(
                CODE,
                part,
                f"{function.name} keeps what belongs to a request in {holder}, under the identity"
                " of its thread: requests that share a thread read each other's.",
                "Keep it in holdfast.state, or in a ContextVar that is reset.",
                symbol=function.name,
                attribute=holder,
                severity="error",
            )


def _identity(
    file: File, function: Defined, node: ast.AST, known: set[str], depth: int = 0
) -> bool:
    """Whether the expression is made from who runs."""
    for part in everything(node):
        if isinstance(part, ast.Name) and part.id in known:
            return True
        if isinstance(part, ast.Call):
            full = file.project.canonical(function.names.of(part.func))
            name = part.func.attr if isinstance(part.func, ast.Attribute) else full
            if full in _IDENTITIES or _SAYS_WHO.search(name):
                return True
            if depth < _DEEPEST and _returns_identity(file, function, part):
                return True
    return False


def _returns_identity(file: File, function: Defined, call: ast.Call) -> bool:
    """Whether a small function of the project says who runs."""
    return any(
        len(callee.index.calls) <= 2  # noqa: PLR2004 - it does nothing else
        and any(file.project.canonical(called) in _IDENTITIES for called in callee.index.calls)
        for callee in file.callees(function, call)
    )


def _identities(file: File, function: Defined) -> set[str]:
    """Variables and parameters that hold an identity."""
    known = {
        name
        for name in function.parameters
        if name in {"thread", "thread_id", "ident", "thread_ident", "greenlet"}
    }
    for part in walk(function.node):
        if isinstance(part, ast.Assign) and _identity(file, function, part.value, set()):
            known |= {target.id for target in part.targets if isinstance(target, ast.Name)}
    return known


def _written(file: File, function: Defined, part: ast.AST, known: set[str]) -> str:
    """What is written under an identity; empty, if it isn't."""
    targets: list[ast.expr] = []
    if isinstance(part, ast.Assign):
        targets = part.targets
    elif isinstance(part, ast.AugAssign):
        targets = [part.target]
    elif (
        isinstance(part, ast.Call)
        and isinstance(part.func, ast.Attribute)
        and part.func.attr == "setdefault"
        and part.args
        and _identity(file, function, part.args[0], known)
    ):
        return ast.unparse(part.func.value)
    for target in targets:
        while isinstance(target, ast.Subscript):
            if _identity(file, function, target.slice, known):
                return ast.unparse(target.value)
            target = target.value  # noqa: PLW2901 - the next bracket
    return ""
