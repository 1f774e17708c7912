"""What the names in a file stand for, as far as its own text tells."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
ScopeNode = FunctionNode | ast.ClassDef | ast.Lambda


def dotted(node: ast.AST | None) -> str:
    """`a.b.c` as it is written, or nothing where it is something else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
        return ".".join(reversed(parts))
    return ""


def imported(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, str]]:
    """The names that an import binds, and what each stands for.

    Args:
        node: the statement.
        package: the dotted name of the package that the file is in.
    """
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname:
                yield alias.asname, alias.name
            else:
                top = alias.name.partition(".")[0]
                yield top, top
        return
    module = node.module or ""
    if node.level:
        parts = package.split(".") if package else []
        kept = parts[: len(parts) - node.level + 1]
        module = ".".join([*kept, module] if module else kept)
    for alias in node.names:
        yield alias.asname or alias.name, f"{module}.{alias.name}" if module else alias.name


def statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when *body* runs, those within `if`, `try` and `with` included."""
    for statement in body:
        yield statement
        for inner in ("body", "orelse", "finalbody"):
            if isinstance(statement, FunctionNode | ast.ClassDef):
                break
            yield from statements(getattr(statement, inner, ()))
        if isinstance(statement, ast.Try):
            for handler in statement.handlers:
                yield from statements(handler.body)
        elif isinstance(statement, ast.Match):
            for case in statement.cases:
                yield from statements(case.body)


#: What of a node can hold other nodes; `ctx`, operators and plain values are nobody's concern.
_NO_NODES = frozenset(
    {
        "arg", "asname", "attr", "conversion", "ctx", "id", "is_async", "kind", "level", "lineno",
        "module", "n", "op", "s", "simple", "type_comment", "type_ignores",
    }
)  # fmt: skip
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {
    kind: tuple(
        name
        for name in reversed(kind._fields)
        if name not in _NO_NODES and not (kind is ast.Constant or kind is ast.Global)
    )
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}
_FIELDS[ast.Compare] = ("comparators", "ops", "left")


def _push(node: ast.AST, todo: list[ast.AST]) -> None:
    """Put the nodes in *node* onto *todo*, so that the first one is taken first."""
    for name in _FIELDS[type(node)]:
        value = getattr(node, name, None)
        if isinstance(value, list):
            todo.extend(one for one in reversed(value) if isinstance(one, ast.AST))
        elif isinstance(value, ast.AST):
            todo.append(value)


def everything(node: ast.AST) -> list[ast.AST]:
    """*node* and all in it, in the order of the text."""
    found: list[ast.AST] = []
    todo = [node]
    while todo:
        one = todo.pop()
        found.append(one)
        _push(one, todo)
    return found


def walk(node: ast.AST) -> list[ast.AST]:
    """*node* and all that runs with it: not the bodies of functions and classes within it.

    What a function consists of is asked for by every rule, so it is found once.
    """
    known: list[ast.AST] | None = getattr(node, "_walked", None)
    if known is not None:
        return known
    known = []
    todo = [node]
    while todo:
        found = todo.pop()
        known.append(found)
        if found is node or not isinstance(found, ScopeNode):
            _push(found, todo)
        elif isinstance(found, FunctionNode):
            # Defaults and decorators run where it is defined.
            todo.extend(found.decorator_list)
            todo.extend(found.args.defaults)
            todo.extend(default for default in found.args.kw_defaults if default)
    if isinstance(node, ScopeNode):
        node._walked = known  # type: ignore[union-attr]  # noqa: SLF001 - ours
    return known


def parameters(node: FunctionNode | ast.Lambda) -> list[str]:
    """The names of all parameters, in order."""
    arguments = node.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    if arguments.vararg:
        names.append(arguments.vararg.arg)
    names += [one.arg for one in arguments.kwonlyargs]
    if arguments.kwarg:
        names.append(arguments.kwarg.arg)
    return names


def bound_in(node: FunctionNode) -> set[str]:
    """Names that are the function's own: parameters, and what it assigns without `global`."""
    names = set(parameters(node))
    free: set[str] = set()
    for inner in walk(node):
        if isinstance(inner, ast.Name):
            if not isinstance(inner.ctx, ast.Load):
                names.add(inner.id)
        elif isinstance(inner, ast.Global | ast.Nonlocal):
            free.update(inner.names)
        elif isinstance(inner, ast.Import | ast.ImportFrom):
            names.update(name for name, _ in imported(inner, ""))
        elif inner is not node and isinstance(
            inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler
        ):
            names.add(inner.name or "")
    return names - free
