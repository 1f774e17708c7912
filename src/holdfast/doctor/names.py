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


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """*node* and all that runs with it: not the bodies of functions and classes within it."""
    todo = [node]
    while todo:
        found = todo.pop()
        yield found
        if found is node or not isinstance(found, ScopeNode):
            todo.extend(reversed(list(ast.iter_child_nodes(found))))
        elif isinstance(found, FunctionNode):
            # Defaults and decorators run where it is defined.
            todo.extend(found.decorator_list)
            todo.extend(found.args.defaults)
            todo.extend(default for default in found.args.kw_defaults if default)


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
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store | ast.Del):
            names.add(inner.id)
        elif isinstance(inner, ast.Global | ast.Nonlocal):
            free.update(inner.names)
        elif (isinstance(inner, ast.ExceptHandler) and inner.name) or (inner is not node and isinstance(inner, FunctionNode | ast.ClassDef)):
            names.add(inner.name)
        elif isinstance(inner, ast.Import | ast.ImportFrom):
            names.update(name for name, _ in imported(inner, ""))
    return names - free
