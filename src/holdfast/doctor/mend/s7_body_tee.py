"""S7: the body is noted as the view reads it, by `holdfast.django.body_tee`.

The statement that reads `request.body` goes behind the call of the view, and asks the tee there. So
what it makes may not be wanted before the view runs: middleware that decides by the body can't be
mended.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

import libcst as cst

from ..file import Defined
from ..findings import Finding
from ..names import everything
from .code import Code
from .outcome import RefusedError

_NOTE = (
    "body_tee() keeps the first 64 KiB of what the view reads of the body, and nothing of what it"
    " leaves unread: give it another limit where you need more."
)
_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break, ast.Yield, ast.YieldFrom, ast.Await)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_STATEMENT: Any = cst.BaseStatement
_NAMES = ("tee", "body_tee_of_view", "tee_of_the_view", "tee_of_this_view")
_VIEW = ("get_response", "_get_response")


def mend(finding: Finding, code: Code) -> str:
    """Mend it, or raise `RefusedError`."""
    what = finding.attribute
    if what != "request.body":
        raise RefusedError(
            f"{what} has to be parsed before anybody can look at it: ask after the view"
        )
    function = code.function_of(finding)
    request = _request(code, finding)
    if function.own_name == "process_request":
        _over_to_the_response(code, function, finding, request)
        return _NOTE
    block, here, view = _place(function, finding)
    statement = block[here]
    _refuse(function, block, here, view)
    known = _tee_before(block[:here])
    tee = known or _free_name(function)
    old = code.node(statement, _STATEMENT)
    moved = old.visit(_Asked(request, tee, code))
    assert isinstance(moved, cst.BaseStatement)  # noqa: S101 - a statement stays one
    moved = moved.with_changes(leading_lines=())
    if known:
        code.remove(old)
    else:
        make = code.imports.name("holdfast.django", "body_tee")
        made = code.statement(f"{tee} = {make}({request})\n")
        code.replace(old, made)
    code.add_after(code.node(block[view], cst.SimpleStatementLine), moved)
    return _NOTE


def _tee_before(block: list[ast.stmt]) -> str:
    """The tee that was made for another statement already."""
    for one in block:
        if isinstance(one, ast.Assign) and isinstance(one.value, ast.Call):
            if _ends_with(one.value, "body_tee") and isinstance(one.targets[0], ast.Name):
                return one.targets[0].id
    return ""


def _request(code: Code, finding: Finding) -> str:
    found = [one for one in code.found(finding, ast.Attribute) if isinstance(one, ast.Attribute)]
    for one in found:
        if one.attr == "body" and isinstance(one.value, ast.Name):
            return one.value.id
    raise RefusedError("its place isn't found in the file")


def _place(function: Defined, finding: Finding) -> tuple[list[ast.stmt], int, int]:
    """The statements among which the one that reads and the one that calls the view stand."""

    def search(node: ast.AST) -> tuple[list[ast.stmt], int, int] | None:
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if not isinstance(block, list):
                continue
            for here, one in enumerate(block):
                if not one.lineno <= finding.line <= (one.end_lineno or one.lineno):
                    continue
                for later in range(here + 1, len(block)):
                    if _calls_view(block[later]):
                        return block, here, later
                return search(one)
        return None

    found = search(function.node)
    if found is None:
        raise RefusedError(
            "the view isn't called beside it: where it could be read later isn't clear"
        )
    return found


def _calls_view(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Assign):
        return False
    value = statement.value
    if isinstance(value, ast.Await):
        value = value.value
    return isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] in _VIEW


def _names(nodes: Sequence[ast.AST], kind: type[ast.expr_context]) -> set[str]:
    return {
        part.id
        for node in nodes
        for part in everything(node)
        if isinstance(part, ast.Name) and isinstance(part.ctx, kind)
    }


def _refuse(function: Defined, block: list[ast.stmt], here: int, view: int) -> None:
    statement, between = block[here], block[here + 1 : view + 1]
    parts = everything(statement)
    if any(isinstance(part, _LEAVES) for part in parts):
        raise RefusedError("the middleware decides by the body before the view runs")
    if any(isinstance(part, _FUNCTIONS) for part in parts):
        raise RefusedError("it is read within another function")
    if any(
        isinstance(part, ast.Attribute | ast.Subscript) and isinstance(part.ctx, ast.Store)
        for part in parts
    ):
        raise RefusedError("it is stored where the view may look for it")
    if any(_ends_with(part, "loads") for part in parts) and not isinstance(statement, ast.Try):
        raise RefusedError("what parses the body would have to bear one that is cut off")
    made, used = _names([statement], ast.Store), _names([statement], ast.Load)
    if made & _names(between, ast.Load):
        raise RefusedError("the middleware uses the body before the view runs")
    if (made | used) & _names(between, ast.Store):
        raise RefusedError("its names get other values before the view runs")
    later = {id(part) for one in block[view + 1 :] for part in everything(one)}
    own = {id(part) for part in parts}
    for part in everything(function.node):
        if isinstance(part, ast.Name) and part.id in made and isinstance(part.ctx, ast.Load):
            if id(part) not in later and id(part) not in own:
                raise RefusedError("it is used where the view may not have run")


def _ends_with(part: ast.AST, name: str) -> bool:
    return isinstance(part, ast.Call) and ast.unparse(part.func).endswith(name)


def _free_name(function: Defined) -> str:
    taken = {part.id for part in everything(function.node) if isinstance(part, ast.Name)}
    taken |= set(function.parameters)
    return next(
        name for name in ("tee", "body_of_view", "the_body_of_the_view") if name not in taken
    )


class _Asked(cst.CSTTransformer):
    """`tee.taken` for `request.body`, and `tee.size` for its length."""

    def __init__(self, request: str, tee: str, code: Code) -> None:
        super().__init__()
        self.read = f"{request}.body"
        self.tee = tee
        self.code = code

    def leave_Attribute(  # noqa: N802 - LibCST's name
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        if self.code.written(original_node) != self.read:
            return updated_node
        return updated_node.with_changes(value=cst.Name(self.tee), attr=cst.Name("taken"))

    def leave_Call(  # noqa: N802
        self, original_node: cst.Call, updated_node: cst.Call
    ) -> cst.BaseExpression:
        if self.code.written(original_node) != f"len({self.read})":
            return updated_node
        return cst.Attribute(
            cst.Name(self.tee), cst.Name("size"), lpar=updated_node.lpar, rpar=updated_node.rpar
        )


def _over_to_the_response(code: Code, function: Defined, finding: Finding, request: str) -> None:
    """`request.x = request.body` in process_request, for process_response to look at."""
    statement = next(
        (
            part
            for part in everything(function.node)
            if isinstance(part, ast.Assign)
            and part.lineno == finding.line
            and ast.unparse(part.value) == f"{request}.body"
        ),
        None,
    )
    target = statement.targets[0] if statement is not None and len(statement.targets) == 1 else None
    if not isinstance(target, ast.Attribute) or ast.unparse(target.value) != request:
        raise RefusedError("it isn't clear who looks at it once the view has run")
    own = {
        id(part): method
        for method in code.file.functions
        if method.class_name == function.class_name
        and method.own_name in {"process_response", "process_exception"}
        for part in everything(method.node)
    }
    reads = []
    for part in everything(code.file.tree):
        if isinstance(part, ast.Attribute) and part.attr == target.attr and part is not target:
            if id(part) not in own or not isinstance(part.ctx, ast.Load):
                raise RefusedError(f"{ast.unparse(part)} is used elsewhere, too")
            reads.append(part)
        elif isinstance(part, ast.Constant) and part.value == target.attr:
            raise RefusedError(f"{target.attr} is asked for by its name")
    if not reads:
        raise RefusedError("it isn't clear who looks at it once the view has run")
    make = code.imports.name("holdfast.django", "body_tee")
    assert statement is not None  # noqa: S101 - it has a target
    code.replace(code.node(statement.value, cst.Attribute), code.expression(f"{make}({request})"))
    for one in reads:
        code.change(
            code.node(one, cst.Attribute),
            lambda node: cst.Attribute(cst.ensure_type(node, cst.Attribute), cst.Name("taken")),
        )
