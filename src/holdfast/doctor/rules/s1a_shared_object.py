"""S1a: data of one request on an object that many requests share."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..file import Defined, DefinedClass, File
from ..findings import Finding
from ..frameworks import Kind
from ..index import REQUEST_DATA
from ..names import FunctionNode, dotted, everything, walk
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
_MUTATORS = frozenset(
    {"append", "add", "update", "extend", "insert", "setdefault", "pop", "clear", "remove"}
)


def check(file: File) -> Iterator[Finding]:
    """Writes to `self`, to the class, and to what they hold, while a request is served."""
    for class_ in file.classes:
        kind = file.lifetimes.kind(class_.full_name)
        if kind not in _SHARED:
            continue
        at_request_time = file.lifetimes.at_request_time(class_.full_name)
        for method in file.methods(class_):
            if method.own_name not in at_request_time:
                continue
            yield from _in_method(file, class_, method, kind)


def _in_method(file: File, class_: DefinedClass, method: Defined, kind: Kind) -> Iterator[Finding]:
    own = _own_names(class_, method)
    if kind is Kind.SINGLETON:
        # Most such objects are registries and clients: only what is called a request's counts.
        tainted = request_data(method, set(REQUEST_DATA).intersection(method.parameters))
        if not tainted:
            return
    else:
        tainted = request_data(method, set(method.parameters))
    kept = _kept_aside(method.node, own)
    seen: set[str] = set()
    for node, attribute, value in _writes(method.node, own):
        if attribute in seen:
            continue
        if kind is Kind.SINGLETON and not (_plain(node) and value and mentions(value, tainted)):
            continue
        if not _is_of_request(value, tainted) and not _puts_back(value, kept):
            continue
        if _once_only(method.node, node, attribute.rpartition(".")[2], tainted):
            continue
        seen.add(attribute)
        yield file.finding(
            CODE,
            node,
            f"{kind.value}: two requests at once both write {attribute}, and each reads what the"
            " other wrote last.",
            "Keep it on the request, in holdfast.state, or pass it as an argument.",
            symbol=method.name,
            attribute=attribute,
            severity="error",
        )


def _own_names(class_: DefinedClass, method: Defined) -> set[str]:
    """How the method spells its object, and its class."""
    names = {class_.node.name, "self.__class__", "type(self)"}
    if method.self_name:
        names |= {method.self_name, f"{method.self_name}.__class__"}
    return names


def _kept_aside(node: FunctionNode, own: set[str]) -> set[str]:
    """Variables that hold what an attribute was before: `saved = self.template`."""
    return {
        target.id
        for part in walk(node)
        if isinstance(part, ast.Assign)
        and isinstance(part.value, ast.Attribute)
        and _spelled(part.value.value) in own
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


def _plain(node: ast.AST) -> bool:
    """Whether an attribute itself is assigned, and not something kept under a key in it."""
    return isinstance(node, ast.Assign | ast.AnnAssign) and not any(
        isinstance(target, ast.Subscript)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    )


def _puts_back(value: ast.expr | None, kept: set[str]) -> bool:
    return isinstance(value, ast.Name) and value.id in kept


def _writes(node: FunctionNode, own: set[str]) -> Iterator[tuple[ast.AST, str, ast.expr | None]]:
    """Places that write onto the object or its class: where, what, and the value."""
    for part in walk(node):
        if isinstance(part, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = part.targets if isinstance(part, ast.Assign) else [part.target]
            flat = [
                one
                for target in targets
                for one in (target.elts if isinstance(target, ast.Tuple | ast.List) else [target])
            ]
            for target in flat:
                place = target
                while isinstance(place, ast.Subscript):
                    place = place.value
                if isinstance(place, ast.Attribute) and _spelled(place.value) in own:
                    yield part, f"{_spelled(place.value)}.{place.attr}", part.value
        elif isinstance(part, ast.Call):
            if (
                isinstance(part.func, ast.Name)
                and part.func.id == "setattr"
                and len(part.args) == 3  # noqa: PLR2004 - object, name, value
                and _spelled(part.args[0]) in own
            ):
                name = part.args[1]
                what = str(name.value) if isinstance(name, ast.Constant) else ast.unparse(name)
                yield part, f"{_spelled(part.args[0])}.{what}", part.args[2]
            elif (
                isinstance(part.func, ast.Attribute)
                and part.func.attr in _MUTATORS
                and isinstance(part.func.value, ast.Attribute)
                and _spelled(part.func.value.value) in own
                and part.args
            ):
                held = part.func.value
                yield part, f"{_spelled(held.value)}.{held.attr}", part.args[-1]


def _spelled(node: ast.AST) -> str:
    if isinstance(node, ast.Call) and dotted(node.func) == "type" and len(node.args) == 1:
        return "type(self)"
    return dotted(node)


def _is_of_request(value: ast.expr | None, tainted: set[str]) -> bool:
    """Whether the value is of this request: made from what came with it, or made anew for it."""
    if value is None:
        return False
    if mentions(value, tainted):
        return True
    return isinstance(value, ast.Call) and not value.args and not value.keywords


def _once_only(node: FunctionNode, write: ast.AST, attribute: str, tainted: set[str]) -> bool:
    """Whether the write stands behind a check that the attribute isn't there yet."""
    for outer in walk(node):
        if not isinstance(outer, ast.If) or not any(part is write for part in everything(outer)):
            continue
        for part in everything(outer.test):
            if isinstance(part, ast.Attribute) and part.attr == attribute:
                return not _mentions_value(write, tainted - {"self", "cls"})
            if isinstance(part, ast.Constant) and part.value == attribute:
                return not _mentions_value(write, tainted - {"self", "cls"})
    return False


def _mentions_value(write: ast.AST, tainted: set[str]) -> bool:
    value = getattr(write, "value", None)
    return value is not None and any(
        isinstance(part, ast.Name) and part.id in tainted & {"request", "req", "context", "user"}
        for part in everything(value)
    )
