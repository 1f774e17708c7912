"""Where code reads what a client wrote into X-Forwarded-For."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..file import File
from ..index import Names
from ..names import FunctionNode, everything, walk

_HEADER = re.compile(r"^(http[-_])?x[-_]forwarded[-_]for$", re.IGNORECASE)
_GETS = frozenset({"get", "getlist", "get_all", "getheader", "get_header", "getfirst"})
_ASKS = re.compile(r"get|read|fetch|find|lookup|header|meta|environ", re.IGNORECASE)
_TELLS = re.compile(r"add|set|vary|patch|append|update|send|write|remove|pop", re.IGNORECASE)
_OF_REQUEST = frozenset({"request", "req", "_request", "META", "headers", "environ", "scope"})
_LOGS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log"})
_LOOPS = ast.For | ast.AsyncFor | ast.comprehension
_Test = Callable[[ast.AST], bool]
_SEVERAL = ast.Tuple | ast.List | ast.Set


@dataclass(slots=True)
class Place:
    """A function or a lambda that may read the header.

    Attributes:
        node: its syntax.
        names: what names stand for within it.
        class_name: the full name of the class that it is a method of, if it is one.
        name: within the module.
        given: parameters whose default is the header.
    """

    node: FunctionNode | ast.Lambda
    names: Names
    class_name: str
    name: str
    given: set[str] = field(default_factory=set)


def places(file: File) -> Iterator[Place]:
    """All functions of the file, and all lambdas."""
    for function in file.functions:
        yield _place(function.node, function.names, function.class_name, function.name)
    for node in everything(file.tree):
        if isinstance(node, ast.Lambda):
            yield _place(node, file.names, "", file.symbol_at(node) or "<lambda>")


def _place(node: FunctionNode | ast.Lambda, names: Names, class_name: str, name: str) -> Place:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [
        *zip(reversed(positional), reversed(arguments.defaults), strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    given = {one.arg for one, default in defaults if default is not None and _said(default)}
    return Place(node, names, class_name, name, given)


def lookups(file: File, place: Place) -> Iterator[ast.AST]:
    """Where the value is read, and not only written down in a log as what a client has sent."""
    parts = walk(place.node)
    logged = {
        id(inner)
        for part in parts
        if isinstance(part, ast.Call)
        and isinstance(part.func, ast.Attribute)
        and part.func.attr in _LOGS
        and not _mentions(part, "REMOTE_ADDR")
        for inner in everything(part)
    }
    loops = {name for part in parts if (name := _looped(file, place, part))}
    kept = {id(part) for one in parts if isinstance(one, ast.DictComp) for part in everything(one)}

    def header(node: ast.AST) -> bool:
        if isinstance(node, ast.Name) and node.id in loops:
            return id(node) not in kept  # `{name: META.get(name) for name in NAMES}`: a dump
        return is_header(file, place, node)

    for part in parts:
        if id(part) not in logged and (_reads(part, header) or _compares(part, header, parts)):
            yield part


def is_header(file: File, place: Place, node: ast.AST) -> bool:
    """Whether a value is the header's name: as it is, by a constant or by a default."""
    if isinstance(node, ast.Constant):
        return _said(node)
    if isinstance(node, ast.Name) and node.id in place.given:
        return True
    if isinstance(node, ast.Name | ast.Attribute):
        return _HEADER.match(_constant(file, place, node)) is not None
    return False


def _said(node: ast.AST) -> bool:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str | bytes):
        return False
    text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
    return _HEADER.match(text) is not None


def _constant(file: File, place: Place, node: ast.Name | ast.Attribute) -> str:
    """The text that a name of a module, or an attribute of the class, is bound to."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if node.value.id in {"self", "cls"} and place.class_name:
            found = file.project.attribute(place.class_name, node.attr)
            return _text(found[1]) if found is not None else ""
    full = place.names.of(node)
    owner, _, name = file.project.canonical(full).rpartition(".") if full else ("", "", "")
    module = file.project.modules.get(owner)
    return _text(module.assigned.get(name, "")) if module is not None else ""


def _text(kind: str) -> str:
    """`constant:'text'` as the text."""
    return kind.removeprefix("constant:").removeprefix("b").strip("'\"")


def _reads(part: ast.AST, header: _Test) -> bool:
    """`META[header]`, `headers.get(header)`, `get_header(request, header)`."""
    if isinstance(part, ast.Subscript):
        return isinstance(part.ctx, ast.Load) and header(part.slice)
    if not isinstance(part, ast.Call) or not any(header(one) for one in part.args[:2]):
        return False
    if isinstance(part.func, ast.Attribute) and part.func.attr in _GETS:
        return header(part.args[0])
    name = part.func.attr if isinstance(part.func, ast.Attribute) else ast.unparse(part.func)
    return (
        _ASKS.search(name) is not None
        and _TELLS.search(name) is None
        and any(
            (one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "")) in _OF_REQUEST
            for one in everything(part)
        )
    )


def _compares(part: ast.AST, header: _Test, parts: list[ast.AST]) -> bool:
    """`for name, value in scope["headers"]: if name == header: ...`."""
    if not isinstance(part, ast.If) or isinstance(part.body[0], ast.Continue):
        return False
    test = part.test
    if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.Eq):
        return False
    if not header(test.comparators[0]):
        return False
    asked = {one.id for one in everything(test.left) if isinstance(one, ast.Name)}
    return any(
        isinstance(loop, ast.For)
        and isinstance(loop.target, ast.Tuple)
        and any(isinstance(one, ast.Name) and one.id in asked for one in loop.target.elts[:1])
        and "headers" in ast.unparse(loop.iter)
        for loop in parts
    )


def _looped(file: File, place: Place, part: ast.AST) -> str:
    """The variable of `for name in ("HTTP_X_FORWARDED_FOR", ...)`, also over a constant like it."""
    if not isinstance(part, _LOOPS) or not isinstance(part.target, ast.Name):
        return ""
    named: ast.AST | None = part.iter
    if isinstance(named, ast.Name):
        named = _assigned([*walk(place.node), *file.tree.body], named.id)
    elif isinstance(named, ast.Attribute) and ast.unparse(named.value) in {"self", "cls"}:
        bodies = [c.node.body for c in file.classes if c.full_name == place.class_name]
        named = _assigned(bodies[0], named.attr) if bodies else None
    if isinstance(named, ast.Dict):
        listed = [key for key in named.keys if key is not None]
    else:
        listed = named.elts if isinstance(named, _SEVERAL) else []
    return part.target.id if any(is_header(file, place, one) for one in listed) else ""


def _assigned(body: list[ast.AST] | list[ast.stmt], name: str) -> ast.AST | None:
    """What the name is bound to, where that is one thing."""
    found = [
        part.value
        for part in body
        if isinstance(part, ast.Assign | ast.AnnAssign)
        for target in (part.targets if isinstance(part, ast.Assign) else [part.target])
        if isinstance(target, ast.Name) and target.id == name
    ]
    return found[0] if len(found) == 1 else None


def _mentions(node: ast.AST, text: str) -> bool:
    return any(isinstance(one, ast.Constant) and one.value == text for one in everything(node))
