"""S10: a cache is changed when the transaction has been committed.

`cache.delete(key)` becomes `transaction.on_commit(partial(cache.delete, key))`. `partial`, because
key and value are made at once, as they were: in a loop, and before a deleted row loses its primary
key.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

import libcst as cst

from ..cache_changes import cache_changes
from ..file import Defined
from ..findings import Finding
from ..names import everything, walk
from ..project import Function
from .code import Code
from .outcome import RefusedError

_READS = frozenset({"get", "get_many", "get_or_set", "has_key", "aget", "aget_many"})
_OPERATIONS = frozenset(
    {"add", "clear", "decr", "delete", "delete_many", "delete_pattern", "incr", "set", "set_many"}
) | {"touch"}
_PURE = frozenset(dir(builtins)) - {"open", "print", "input"}
_NOTE = (
    "Cache writes now wait for COMMIT: a TestCase never commits, so tests that look at the cache"
    " need captureOnCommitCallbacks(execute=True)."
)


def mend(finding: Finding, code: Code) -> str:
    """Mend it, or raise `RefusedError`."""
    function = code.function_of(finding)
    calls = [one for one in code.found(finding, ast.Call) if isinstance(one, ast.Call)]
    statement, call = _statement(function, calls)
    if isinstance(function.node, ast.AsyncFunctionDef):
        raise RefusedError("it runs on the event loop, where there are no transactions")
    _refuse_around(function, statement)
    if not _is_own(code, function, call):
        _refuse_helper(code, function, call)
    _refuse_later_reads(function, call)
    _write(code, function, statement, call)
    return _NOTE


def _statement(function: Defined, calls: list[ast.Call]) -> tuple[ast.Expr, ast.Call]:
    """The statement that is one of the calls and nothing else."""
    for part in walk(function.node):
        if isinstance(part, ast.Expr) and any(part.value is one for one in calls):
            assert isinstance(part.value, ast.Call)  # noqa: S101 - as it was chosen
            return part, part.value
        if isinstance(part, ast.Expr) and isinstance(part.value, ast.Await):
            if any(part.value.value is one for one in calls):
                raise RefusedError("it runs on the event loop, where there are no transactions")
    raise RefusedError("its result is used")


def _refuse_around(function: Defined, statement: ast.Expr) -> None:
    """Who catches its errors would catch none any more."""
    for part in walk(function.node):
        if isinstance(part, ast.Try) and part.handlers and _in(statement, part.body):
            raise RefusedError("an except around it would no longer catch its errors")
        if isinstance(part, ast.With) and _in(statement, part.body):
            for item in part.items:
                written = ast.unparse(item.context_expr)
                if "atomic" not in written:
                    raise RefusedError(f"`with {written}` around it would be over by then")


def _in(statement: ast.AST, body: list[ast.stmt]) -> bool:
    return any(part is statement for one in body for part in everything(one))


def _is_own(code: Code, function: Defined, call: ast.Call) -> bool:
    """Whether the call itself changes a cache, and not a function that it calls."""
    changes = cache_changes(function.node, function.names, function.node)
    return any(one is call for one in changes)


def _refuse_helper(code: Code, function: Defined, call: ast.Call) -> None:
    """A function of the project may be put off if all that it does is to change a cache."""
    written = ast.unparse(call.func)
    if "delete" in function.own_name or any(
        "delete" in ast.unparse(one) for one in function.node.decorator_list
    ):
        raise RefusedError(f"{written}() may need what is gone once the row is deleted")
    callees = [one for one in code.file.callees(function, call) if one.index.changes_cache]
    if not callees:
        raise RefusedError(f"{written}() changes a cache through others: mend it there")
    for callee in callees:
        for other in _others(callee):
            raise RefusedError(f"{written}() does more than to change a cache: it calls {other}()")
        if callee.index.writes or callee.index.is_async:
            raise RefusedError(f"{written}() does more than to change a cache")


def _others(callee: Function) -> Iterator[str]:
    for called in callee.index.calls:
        name = called.rpartition(".")[2]
        is_cache = name in _OPERATIONS and "cache" in called
        is_text = called.startswith(".") and name in {"format", "join", "lower", "replace"}
        if not (is_cache or is_text or called in _PURE or called.startswith("builtins.")):
            if not called.startswith("django.core.cache."):
                yield called.lstrip(".")


def _refuse_later_reads(function: Defined, call: ast.Call) -> None:
    if not isinstance(call.func, ast.Attribute):
        return
    holder = ast.unparse(call.func.value)
    for part in walk(function.node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            if part.func.attr in _READS and ast.unparse(part.func.value) == holder:
                if part.lineno > call.lineno:
                    raise RefusedError(f"{holder} is read again in the same transaction")


def _write(code: Code, function: Defined, statement: ast.Expr, call: ast.Call) -> None:
    transaction = code.imports.name("django.db", "transaction")
    old = code.node(call, cst.Call)
    using = _using(code, function, statement)
    simple = not call.args and not call.keywords
    partial = "" if simple else code.imports.name("functools", "partial")

    def put(node: cst.CSTNode) -> cst.CSTNode:
        changed = cst.ensure_type(node, cst.Call)
        put_off: cst.BaseExpression = changed.func
        if not simple:
            first = cst.Arg(changed.func, comma=_comma(changed))
            put_off = changed.with_changes(
                func=code.expression(partial), args=[first, *changed.args]
            )
        args = [cst.Arg(put_off)]
        if using:
            args.append(
                cst.Arg(
                    code.expression(using),
                    keyword=cst.Name("using"),
                    equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
                )
            )
        return cst.Call(code.expression(f"{transaction}.on_commit"), args)

    code.change(old, put)


def _comma(call: cst.Call) -> cst.Comma:
    """Before the first argument stands what stood before it: a space, or a new line."""
    before = call.whitespace_before_args
    if isinstance(before, cst.ParenthesizedWhitespace):
        return cst.Comma(whitespace_after=before)
    return cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))


def _using(code: Code, function: Defined, statement: ast.Expr) -> str:
    """The database whose transaction it is, where the code says which."""
    for part in walk(function.node):
        if isinstance(part, ast.With) and _in(statement, part.body):
            for item in part.items:
                one = item.context_expr
                if isinstance(one, ast.Call) and ast.unparse(one.func).endswith("atomic"):
                    given = [*one.args, *(k.value for k in one.keywords if k.arg == "using")]
                    if given:
                        return code.text(given[0])
    return "using" if "using" in function.parameters else ""
