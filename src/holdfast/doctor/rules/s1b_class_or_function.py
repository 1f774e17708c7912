"""S1b: data of one request on a class or a function."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..file import Defined, File
from ..findings import Finding
from ..frameworks import SHARED
from ..names import dotted, everything, walk
from ._taint import mentions, of_request

CODE = "S1b"
TITLE = "Data of one request on a class or a function"
REASON = """A class and a function are objects too, and there is one of each in a process. What a
request writes onto them, as a class attribute or as an attribute of the view function, every other
request reads; also where the class's own objects live for one request only."""
WRONG = """
class Audit:
    user = None

def edit(request):
    Audit.user = request.user
"""
RIGHT = """
class Audit:
    def __init__(self, user):
        self.user = user

def edit(request):
    audit = Audit(request.user)
"""


def check(file: File) -> Iterator[Finding]:
    """Functions that requests run, and what they write onto classes and functions."""
    for function in file.functions:
        if function.own_name in {"__init_subclass__", "contribute_to_class"}:
            continue
        held = [(*write, _holder(file, function, write[1])) for write in _writes(function)]
        held = [write for write in held if write[3]]
        tainted = of_request(file, function) if held else set()
        seen: set[str] = set()
        for node, target, value, holder in held:
            written = ast.unparse(target)
            if written in seen or not mentions(value, tainted):
                continue
            if _only_once(function, node, target):
                continue
            seen.add(written)
            yield file.finding(
                CODE,
                node,
                f"{function.name} writes data of its request onto {holder}, of which a process has"
                f" one: {written} is what the last request wrote, for all of them.",
                "Keep it on the request, in holdfast.state, or pass it as an argument.",
                symbol=function.name,
                attribute=written,
                severity="error",
            )


def _writes(function: Defined) -> Iterator[tuple[ast.AST, ast.Attribute, ast.expr]]:
    for part in walk(function.node):
        if isinstance(part, ast.Assign):
            for target in part.targets:
                if isinstance(target, ast.Attribute):
                    yield part, target, part.value
        elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Attribute):
            if part.value is not None:
                yield part, part.target, part.value
        elif (
            isinstance(part, ast.Call)
            and dotted(part.func) == "setattr"
            and len(part.args) > 2  # noqa: PLR2004 - object, name, value
            and isinstance(part.args[1], ast.Constant)
        ):
            target = ast.Attribute(part.args[0], str(part.args[1].value), ast.Store())
            yield part, target, part.args[2]


def _holder(file: File, function: Defined, target: ast.Attribute) -> str:
    """What is written onto, in words; nothing, if it is neither a class nor a function."""
    owner = target.value
    own = function.class_name
    shared = bool(own) and file.lifetimes.kind(own) in SHARED
    written = dotted(owner)
    if own and not shared:
        if written == "cls" and function.self_name == "cls":
            return f"the class {own.rpartition('.')[2]}"
        if written == "self.__class__" or ast.unparse(owner) == "type(self)":
            return f"the class {own.rpartition('.')[2]}"
    full = function.names.of(owner)
    if not full:
        return ""
    full = file.project.canonical(full)
    if file.project.class_in_project(full):
        return "" if shared and full == own else f"the class {full.rpartition('.')[2]}"
    if file.project.function(full) is not None:
        return f"the function {full.rpartition('.')[2]}"
    return ""


def _only_once(function: Defined, write: ast.AST, target: ast.Attribute) -> bool:
    """Whether the write stands behind a question whether it is there yet, or can be undone."""
    for outer in walk(function.node):
        if isinstance(outer, ast.If) and any(part is write for part in everything(outer)):
            if target.attr in ast.unparse(outer.test):
                return True
    return False
