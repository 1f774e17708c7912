"""What is kept under the identity of who runs: of a thread, a greenlet, a task."""

from __future__ import annotations

import ast
import re

from ..file import Defined, File
from ..names import everything, walk
from ._taint import mentions, of_request

#: The objects themselves, whose attributes are as much of the thread as a threading.local's.
_OBJECTS = frozenset(
    {
        "asyncio.current_task", "eventlet.getcurrent", "gevent.getcurrent", "greenlet.getcurrent",
        "threading.currentThread", "threading.current_thread",
    }
)  # fmt: skip
_IDENTITIES = _OBJECTS | {
    "_thread.get_ident", "thread.get_ident", "threading.get_ident", "threading.get_native_id",
}  # fmt: skip
_SAYS_WHO = re.compile(
    r"(^|[._])((get_)?(thread_|greenlet_)?ident(_func)?_*|getcurrent|current_?[tT]hread|get_thread_id)$"
)
#: A file without any of these has nothing to look for.
_MENTIONS = re.compile(r"ident|thread|greenlet|getcurrent|current_task", re.IGNORECASE)
#: What parameters are called that can be nothing else, and those that are other things, too.
_PARAMETERS = frozenset({"thread_id", "thread_ident"})
_AMBIGUOUS = frozenset({"greenlet", "ident", "thread"})
_ABOUT_THREADS = re.compile(
    r"^\s*(import|from)\s+(threading|_thread|thread|greenlet|gevent|eventlet|asyncio)\b",
    re.MULTILINE,
)
_DEEPEST = 2


def may_mention(file: File) -> bool:
    """Whether there is anything in the file to look for."""
    return bool(_MENTIONS.search(file.source.text))


def identities(file: File, function: Defined) -> set[str]:
    """Variables and parameters that hold an identity."""
    found = set(_PARAMETERS.intersection(function.parameters))
    doubtful = _AMBIGUOUS.intersection(function.parameters)
    if doubtful and _ABOUT_THREADS.search(file.source.text):
        found |= doubtful
    for part in walk(function.node):
        if isinstance(part, ast.Assign) and is_identity(file, function, part.value, set()):
            found |= {target.id for target in part.targets if isinstance(target, ast.Name)}
    return found


def is_identity(
    file: File, function: Defined, node: ast.AST, known: set[str], depth: int = 0
) -> bool:
    """Whether the expression is made from who runs, or is one of the *known* names for it."""
    for part in everything(node):
        if isinstance(part, ast.Name) and part.id in known:
            return True
        if isinstance(part, ast.Call):
            full = file.project.canonical(function.names.of(part.func))
            name = part.func.attr if isinstance(part.func, ast.Attribute) else full
            # Who is given something, such as a request, says who *that* is.
            if full in _IDENTITIES or (not _is_given(part) and _SAYS_WHO.search(name)):
                return True
            if depth < _DEEPEST and _returns_identity(file, function, part):
                return True
    return False


def _is_given(call: ast.Call) -> bool:
    return bool(call.args or call.keywords)


def _returns_identity(file: File, function: Defined, call: ast.Call) -> bool:
    """Whether a small function of the project says who runs."""
    return any(
        len(callee.index.calls) <= 2  # noqa: PLR2004 - it does nothing else
        and any(file.project.canonical(called) in _IDENTITIES for called in callee.index.calls)
        for callee in file.callees(function, call)
    )


def written_under(file: File, function: Defined, part: ast.AST, known: set[str]) -> str:
    """What is written under an identity; empty, if it isn't."""
    if isinstance(part, ast.Assign | ast.AugAssign):
        for target in part.targets if isinstance(part, ast.Assign) else [part.target]:
            place = target
            while isinstance(place, ast.Subscript):
                if is_identity(file, function, place.slice, known):
                    return ast.unparse(place.value)
                place = place.value
    elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.args:
        key: ast.expr | None = part.args[0]
        if part.func.attr == "update":
            key = key.keys[0] if isinstance(key, ast.Dict) and key.keys else None
        elif part.func.attr not in {"setdefault", "__setitem__"}:
            return ""
        if key is not None and is_identity(file, function, key, known):
            return ast.unparse(part.func.value)
    return ""


def written_on(file: File, function: Defined, part: ast.AST) -> str:
    """The attribute of the current thread, greenlet or task that is given request data."""
    pairs: list[tuple[ast.expr, str, ast.expr]] = []
    if isinstance(part, ast.Assign):
        pairs = [
            (t.value, t.attr, part.value) for t in part.targets if isinstance(t, ast.Attribute)
        ]
    elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
        if part.func.id == "setattr" and len(part.args) > 2:  # noqa: PLR2004 - with a value
            name = part.args[1]
            said = str(name.value) if isinstance(name, ast.Constant) else ast.unparse(name)
            pairs = [(part.args[0], said, part.args[2])]
    for holder, attribute, value in pairs:
        if _is_object(file, function, holder) and mentions(value, of_request(file, function)):
            return f"{ast.unparse(holder)}.{attribute}"
    return ""


def _is_object(file: File, function: Defined, node: ast.expr) -> bool:
    """Whether it is the current thread itself, or a variable that holds it."""
    if isinstance(node, ast.Name):
        return any(
            isinstance(part, ast.Assign)
            and isinstance(part.value, ast.Call)
            and any(isinstance(t, ast.Name) and t.id == node.id for t in part.targets)
            and _is_object(file, function, part.value)
            for part in walk(function.node)
        )
    return (
        isinstance(node, ast.Call)
        and file.project.canonical(function.names.of(node.func)) in _OBJECTS
    )
