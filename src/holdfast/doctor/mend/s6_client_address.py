"""S6: the client's address comes from `holdfast.log.client_address`, which believes known proxies.

What is replaced is a stretch of statements that does nothing but make the address out of
X-Forwarded-For and REMOTE_ADDR, and ends in one variable or in a return; or one such expression.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from ..file import Defined
from ..findings import Finding
from ..names import everything
from .code import Code
from .outcome import RefusedError

_NOTE = (
    "client_address() believes the proxies that HOLDFAST['LOG']['PROXIES'] names, and without it"
    " none: set it to how many of yours stand before the server, or to their networks."
)
_EXPRESSION: Any = cst.BaseExpression
_FORWARDED = frozenset({"http_x_forwarded_for", "x-forwarded-for", "x_forwarded_for"})
_PEER = "remote_addr"
_HOLDERS = frozenset({"META", "headers", "environ"})
_METHODS = frozenset({"get", "lower", "lstrip", "partition", "rsplit", "rstrip", "split", "strip"})


def mend(finding: Finding, code: Code) -> str:
    """Mend it, or raise `RefusedError`."""
    function = code.function_of(finding)
    if isinstance(function.node, ast.AsyncFunctionDef) and function.own_name == "middleware":
        raise RefusedError("it isn't Django's request that it asks")
    for block in _blocks_at(function.node, finding.line):
        for run in _runs(block, finding.line):
            if _replace(code, function, run):
                return _NOTE
    if _replace_expression(code, function, finding):
        return _NOTE
    raise RefusedError(
        "the lines that make the address do other things, too, or don't say what it is without the"
        " header: call holdfast.log.client_address(request) there"
    )


def _blocks_at(node: ast.AST, line: int) -> Iterator[list[ast.stmt]]:
    """The lists of statements around a line, the outermost first."""
    for name in ("body", "orelse", "finalbody", "handlers"):
        block = getattr(node, name, [])
        for one in block if isinstance(block, list) else []:
            if one.lineno <= line <= (one.end_lineno or one.lineno):
                if name != "handlers":
                    yield block
                yield from _blocks_at(one, line)


def _runs(block: list[ast.stmt], line: int) -> Iterator[list[ast.stmt]]:
    """Statements from the one at the line on, the longest stretch first; also from earlier ones."""
    here = next(
        n for n, one in enumerate(block) if one.lineno <= line <= (one.end_lineno or one.lineno)
    )
    for start in (here, *range(here - 1, max(-1, here - _EARLIER), -1)):
        for end in range(min(len(block), here + _LATER), here, -1):
            yield block[start:end]


_EARLIER = 3
_LATER = 5


@dataclass
class _Seen:
    """What a stretch of statements reads and makes."""

    requests: set[str] = field(default_factory=set)
    forwarded: bool = False
    peer: bool = False
    fallback: list[ast.expr | None] = field(default_factory=list)
    assigned: set[str] = field(default_factory=set)
    returns: bool = False


def _replace(code: Code, function: Defined, run: Sequence[ast.stmt]) -> bool:
    """Replace the statements, if they make the address and nothing else."""
    seen = _Seen()
    if not all(_is_pure(one, seen) for one in run):
        return False
    if not (seen.forwarded and seen.peer) or len(seen.requests) != 1:
        return False
    if isinstance(run[0], ast.Expr):
        return False
    used = _used_outside(function, run) & seen.assigned
    if seen.returns:
        if not _always_returns(run) or used:
            return False
        target = "return"
    else:
        if len(used) != 1 or not _always_assigns(run, next(iter(used))):
            return False
        target = f"{next(iter(used))} ="
    ending = _ending(seen)
    if ending is None:
        return False
    call = f"{code.imports.module('holdfast')}.log.client_address"
    (request,) = seen.requests
    code.replace_statements(run, [code.statement(f"{target} {call}({request}){ending}\n")])
    return True


def _ending(seen: _Seen) -> str | None:
    """What the code gives where there is no address; None: several things."""
    found = {None if one is None else ast.unparse(one) for one in seen.fallback}
    if not found:
        return ""
    if len(found) > 1:
        return None
    (one,) = found
    return "" if one in ("''", '""') else f" or {one}".replace("'", '"')


def _is_pure(node: ast.stmt, seen: _Seen) -> bool:
    if isinstance(node, ast.Assign):
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if len(names) != 1 or len(node.targets) != 1:
            return False
        seen.assigned.add(names[0])
        return _is_pure_value(node.value, seen)
    if isinstance(node, ast.AnnAssign):
        if not isinstance(node.target, ast.Name) or node.value is None:
            return False
        seen.assigned.add(node.target.id)
        return _is_pure_value(node.value, seen)
    if isinstance(node, ast.Return):
        seen.returns = True
        return node.value is not None and _is_pure_value(node.value, seen)
    if isinstance(node, ast.If):
        return _is_pure_value(node.test, seen, asks=True) and all(
            _is_pure(one, seen) for one in (*node.body, *node.orelse)
        )
    if isinstance(node, ast.Try):
        if node.finalbody or node.orelse:
            return False
        handled = [one for handler in node.handlers for one in handler.body]
        return all(_is_pure(one, seen) for one in (*node.body, *handled))
    return False


def _is_pure_value(node: ast.expr, seen: _Seen, *, asks: bool = False) -> bool:
    """Whether the expression only takes the two apart; notes what it reads."""
    looked_up = _looked_up(node)
    if looked_up is not None:
        request, key, default = looked_up
        if key in _FORWARDED:
            seen.forwarded = True
            if default is not None and not isinstance(default, ast.Constant):
                if not _is_pure_value(default, seen):
                    return False
        elif key == _PEER:
            seen.peer = True
            if isinstance(node, ast.Call) and not asks:
                if not isinstance(default, ast.Constant | None):
                    return False
                seen.fallback.append(default if default is not None else ast.Constant(None))
        else:
            return False
        seen.requests.add(request)
        return True
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str | int | None)
    if isinstance(node, ast.Name):
        return node.id in seen.assigned
    if isinstance(node, ast.BoolOp):
        return _is_pure_choice(node, seen, asks=asks)
    if isinstance(node, ast.IfExp):
        return _is_pure_value(node.test, seen, asks=True) and all(
            _is_pure_value(one, seen, asks=asks) for one in (node.body, node.orelse)
        )
    if isinstance(node, ast.UnaryOp | ast.Compare):
        parts = [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)]
        return asks and all(
            _is_header(one) or _is_holder(one, seen) or _is_pure_value(one, seen, asks=True)
            for one in parts
        )
    if isinstance(node, ast.Subscript):
        return _is_pure_value(node.value, seen, asks=asks) and not isinstance(node.slice, ast.Name)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return (
            node.func.attr in _METHODS - {"get"}
            and all(isinstance(one, ast.Constant) for one in node.args)
            and _is_pure_value(node.func.value, seen, asks=asks)
        )
    return False


def _is_pure_choice(node: ast.BoolOp, seen: _Seen, *, asks: bool) -> bool:
    """`a or b or "0.0.0.0"`: what stands last, if it is a constant, is given without an address."""
    *values, last = node.values
    if asks or not isinstance(node.op, ast.Or):
        return asks and all(_is_pure_value(one, seen, asks=True) for one in node.values)
    before = len(seen.fallback)
    if not all(_is_pure_value(one, seen) for one in values):
        return False
    if isinstance(last, ast.Constant):
        del seen.fallback[before:]
        if seen.peer:
            seen.fallback.append(last)
        return isinstance(last.value, str | None)
    return _is_pure_value(last, seen)


def _is_header(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and str(node.value).lower() in _FORWARDED


def _is_holder(node: ast.expr, seen: _Seen) -> bool:
    """`"HTTP_X_FORWARDED_FOR" in request.META`."""
    if isinstance(node, ast.Attribute) and node.attr in _HOLDERS:
        seen.requests.add(ast.unparse(node if node.attr == "environ" else node.value))
        return True
    return False


def _looked_up(node: ast.expr) -> tuple[str, str, ast.expr | None] | None:
    """`request.META.get("KEY", default)`, `request.META["KEY"]`, `environ["KEY"]`: its parts."""
    default: ast.expr | None = None
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Attribute) or node.func.attr != "get" or node.keywords:
            return None
        if not 1 <= len(node.args) <= 2:  # noqa: PLR2004 - the key, and what is given without it
            return None
        holder, key = node.func.value, node.args[0]
        default = node.args[1] if len(node.args) > 1 else None
    elif isinstance(node, ast.Subscript):
        holder, key = node.value, node.slice
    else:
        return None
    if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
        return None
    if isinstance(holder, ast.Attribute) and holder.attr in _HOLDERS:
        if isinstance(holder.value, ast.Name | ast.Attribute):
            # An environ is asked as it is: whose request holds it isn't known.
            asked = holder if holder.attr == "environ" else holder.value
            return ast.unparse(asked), key.value.lower(), default
    if isinstance(holder, ast.Name) and holder.id in {"environ", "meta", "META"}:
        return holder.id, key.value.lower(), default
    return None


def _used_outside(function: Defined, run: Sequence[ast.stmt]) -> set[str]:
    inside = {id(part) for one in run for part in everything(one)}
    return {
        part.id
        for one in function.node.body
        for part in everything(one)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load) and id(part) not in inside
    }


def _always_returns(run: Sequence[ast.stmt]) -> bool:
    last = run[-1]
    if isinstance(last, ast.Return):
        return True
    if isinstance(last, ast.If):
        return bool(last.orelse) and _always_returns(last.body) and _always_returns(last.orelse)
    if isinstance(last, ast.Try):
        return _always_returns(last.body) and all(
            _always_returns(handler.body) for handler in last.handlers
        )
    return False


def _always_assigns(run: Sequence[ast.stmt], name: str) -> bool:
    for one in run:
        if isinstance(one, ast.Assign | ast.AnnAssign):
            targets = one.targets if isinstance(one, ast.Assign) else [one.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                return True
        if isinstance(one, ast.If) and one.orelse:
            if _always_assigns(one.body, name) and _always_assigns(one.orelse, name):
                return True
        if isinstance(one, ast.Try):
            if _always_assigns(one.body, name) and all(
                _always_assigns(handler.body, name) for handler in one.handlers
            ):
                return True
    return False


def _replace_expression(code: Code, function: Defined, finding: Finding) -> bool:
    """An expression of its own within a statement that does other things."""
    for part in everything(ast.Module(list(function.node.body), [])):
        if not isinstance(part, ast.expr) or part.lineno > finding.line:
            continue
        if (part.end_lineno or 0) < finding.line:
            continue
        seen = _Seen()
        if not _is_pure_value(part, seen) or not (seen.forwarded and seen.peer):
            continue
        ending = _ending(seen)
        if ending is None or len(seen.requests) != 1:
            continue
        call = f"{code.imports.module('holdfast')}.log.client_address"
        (request,) = seen.requests
        new = code.expression(f"({call}({request}){ending})" if ending else f"{call}({request})")
        code.replace(code.node(part, _EXPRESSION), new)
        return True
    return False
