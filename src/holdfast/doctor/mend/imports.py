"""What a mended file imports now, and no longer."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from typing import Any

import libcst as cst

from ..index import ModuleIndex
from ..names import everything
from .outcome import RefusedError


class Imports:
    """Collects what is needed, and puts it where the file has its imports.

    Args:
        index: the file's.
        tree: its syntax.
    """

    def __init__(self, index: ModuleIndex, tree: ast.Module) -> None:
        self._index = index
        self._bound = _bound(tree)
        #: Imported whatever happens, and not for type checkers only.
        self._surely = {
            (alias.asname or alias.name).partition(".")[0]
            for statement in tree.body
            if isinstance(statement, ast.Import | ast.ImportFrom)
            for alias in statement.names
        }
        self._froms: dict[str, list[str]] = {}
        self._modules: list[str] = []
        self._unneeded: set[str] = set()

    def module(self, name: str) -> str:
        """`import name`; gives the name under which it stands in the file."""
        own = self._known(name)
        if own:
            return own
        self._free(name)
        if name not in self._modules:
            self._modules.append(name)
        return name

    def name(self, module: str, name: str) -> str:
        """`from module import name`; gives the name under which it stands in the file."""
        own = self._known(f"{module}.{name}")
        if own:
            return own
        own = self._known(module)
        if own:
            return f"{own}.{name}"
        self._free(name)
        if name not in self._froms.setdefault(module, []):
            self._froms[module].append(name)
        return name

    def _known(self, full: str) -> str:
        """The name under which the file has it already."""
        for own, stands_for in self._index.names.items():
            if stands_for == full and own in self._surely and self._bound.get(own) == 1:
                return own
        return ""

    def unneeded(self, name: str) -> None:
        """The last use of *name* goes: so does its import, if there is no other."""
        self._unneeded.add(name)

    def _free(self, name: str) -> None:
        if self._bound.get(name):
            raise RefusedError(f"the name {name} stands for something else in this file")

    def applied(self, module: cst.Module) -> cst.Module:
        """*module* with the imports that it needs, and without those that it no longer does."""
        body = list(module.body)
        for name in self._unneeded:
            body = _without(body, name, module)
        for source in sorted(self._froms):
            body = _with_names(body, source, sorted(self._froms[source]), module)
        for name in sorted(self._modules):
            body = _with_statement(body, f"import {name}\n", name, module)
        return module.with_changes(body=body)


def _bound(tree: ast.Module) -> dict[str, int]:
    """How many times each name is bound, anywhere in the file."""
    found: dict[str, int] = {}
    for part in everything(tree):
        names: list[str] = []
        if isinstance(part, ast.Import | ast.ImportFrom):
            names = [(alias.asname or alias.name).partition(".")[0] for alias in part.names]
        elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = [part.name]
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store | ast.Del):
            names = [part.id]
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            given = part.args
            names += [
                one.arg
                for one in (
                    *given.posonlyargs,
                    *given.args,
                    *given.kwonlyargs,
                    *filter(None, (given.vararg, given.kwarg)),
                )
            ]
        for name in names:
            found[name] = found.get(name, 0) + 1
    return found


def _imports_of(statement: cst.CSTNode) -> list[cst.Import | cst.ImportFrom]:
    if not isinstance(statement, cst.SimpleStatementLine):
        return []
    return [one for one in statement.body if isinstance(one, cst.Import | cst.ImportFrom)]


def _source(node: cst.Import | cst.ImportFrom) -> str:
    """The module, with the dots of a relative import."""
    if isinstance(node, cst.Import):
        return _dotted(node.names[0].name)
    return "." * len(node.relative) + (_dotted(node.module) if node.module else "")


def _dotted(node: cst.CSTNode) -> str:
    if isinstance(node, cst.Attribute):
        return f"{_dotted(node.value)}.{node.attr.value}"
    return node.value if isinstance(node, cst.Name) else ""


def _section(source: str) -> int:
    """0: __future__, 1: the standard library, 2: packages, 3: the project's own by its dots."""
    if source == "__future__":
        return 0
    if source.startswith("."):
        return 3
    return 1 if source.partition(".")[0] in sys.stdlib_module_names else 2


_Body = list[cst.SimpleStatementLine | cst.BaseCompoundStatement]


def _with_names(body: _Body, source: str, names: list[str], module: cst.Module) -> _Body:
    for place, statement in enumerate(body):
        for found in _imports_of(statement):
            if (
                isinstance(found, cst.ImportFrom)
                and _source(found) == source
                and not isinstance(found.names, cst.ImportStar)
                and (found.lpar is None or "\n" not in module.code_for_node(found))
            ):
                changed: Any = statement.deep_replace(found, _extended(found, names))
                if len(module.code_for_node(changed).strip()) <= _LONGEST_LINE:
                    return [*body[:place], changed, *body[place + 1 :]]
    line = f"from {source} import {', '.join(names)}\n"
    return _with_statement(body, line, source, module)


_LONGEST_LINE = 88


def _extended(found: cst.ImportFrom, names: list[str]) -> cst.ImportFrom:
    assert not isinstance(found.names, cst.ImportStar)  # noqa: S101 - asked before
    have = list(found.names)
    keys = [_dotted(one.name) for one in have]
    in_order = keys == sorted(keys) or keys == sorted(keys, key=str.lower)
    for name in names:
        place = len(have)
        if in_order:
            lower = name.lower()
            keys = [_dotted(one.name).lower() for one in have]
            place = next((n for n, key in enumerate(keys) if key > lower), len(have))
        have.insert(place, cst.ImportAlias(cst.Name(name)))
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    last = found.names[-1].comma if found.lpar else cst.MaybeSentinel.DEFAULT
    new = [one.with_changes(comma=comma) for one in have[:-1]]
    return found.with_changes(names=[*new, have[-1].with_changes(comma=last)])


def _with_statement(body: _Body, text: str, source: str, module: cst.Module) -> _Body:
    """Put an import where the imports of its kind are, in the order of the alphabet if they are."""
    new = cst.parse_statement(text, config=module.config_for_parsing)
    top = _top(body)
    section = _section(source)
    places = [(n, one) for n in range(*top) for one in _imports_of(body[n])[:1]]
    same = [(n, one) for n, one in places if _section(_source(one)) == section]
    is_from = text.startswith("from ")
    for place, one in same:
        key = (isinstance(one, cst.ImportFrom), _source(one).lower())
        if key > (is_from, source.lower()):
            lines = body[place].leading_lines
            if any(line.comment for line in lines):
                continue
            rest = body[place].with_changes(leading_lines=())
            return [*body[:place], new.with_changes(leading_lines=lines), rest, *body[place + 1 :]]
    empty = cst.EmptyLine(indent=False)
    if same:
        place = same[-1][0] + 1
        return [*body[:place], new, *body[place:]]
    before = [n for n, one in places if _section(_source(one)) < section]
    if before:
        place = before[-1] + 1
        return [*body[:place], new.with_changes(leading_lines=[empty]), *body[place:]]
    place = top[0]
    if place < len(body):
        lines = body[place].leading_lines
        has_gap = bool(lines) and lines[0].comment is None
        after = body[place].with_changes(leading_lines=lines if has_gap else [empty, *lines])
        head = [empty] if place else []
        new = new.with_changes(leading_lines=head)
        return [*body[:place], new, after, *body[place + 1 :]]
    return [*body, new]


def _top(body: Sequence[cst.CSTNode]) -> tuple[int, int]:
    """Where the imports at the file's top begin, behind its docstring, and end."""
    start = 0
    if body and isinstance(body[0], cst.SimpleStatementLine):
        first = body[0].body[0]
        if isinstance(first, cst.Expr) and isinstance(
            first.value, cst.SimpleString | cst.ConcatenatedString
        ):
            start = 1
    end = start
    for place in range(start, len(body)):
        if _imports_of(body[place]):
            end = place + 1
        elif not isinstance(body[place], cst.Try | cst.If):
            break
    while start < end and any(_source(one) == "__future__" for one in _imports_of(body[start])):
        start += 1
    return start, max(start, end)


def _without(body: _Body, name: str, module: cst.Module) -> _Body:
    """Take the import of *name* out, if nothing uses it."""
    text = module.with_changes(body=body).code
    for part in everything(ast.parse(text)):
        if isinstance(part, ast.Name) and part.id == name:
            return body
        if isinstance(part, ast.Constant) and part.value == name:
            return body  # in __all__, or asked for by its name
    for place, statement in enumerate(body):
        for found in _imports_of(statement):
            if isinstance(found.names, cst.ImportStar):
                continue
            left = [one for one in found.names if _stands_as(one) != name]
            if len(left) == len(found.names):
                continue
            if left:
                last = left[-1].with_changes(comma=found.names[-1].comma)
                changed: Any = statement.deep_replace(
                    found, found.with_changes(names=[*left[:-1], last])
                )
                return [*body[:place], changed, *body[place + 1 :]]
            return _removed(body, place)
    return body


def _removed(body: _Body, place: int) -> _Body:
    """Without one statement; what was between it and the one before stays between those around."""
    lines = body[place].leading_lines
    rest = body[place + 1 :]
    if rest and (lines or place == 0):
        own = list(rest[0].leading_lines)
        comments = [line for line in lines if line.comment]
        if not own or comments:
            rest = [rest[0].with_changes(leading_lines=[*lines, *own]), *rest[1:]]
        if place == 0:
            while own and own[0].comment is None:
                own = own[1:]
            rest = [rest[0].with_changes(leading_lines=[*comments, *own]), *rest[1:]]
    return [*body[:place], *rest]


def _stands_as(alias: cst.ImportAlias) -> str:
    if alias.asname is not None and isinstance(alias.asname.name, cst.Name):
        return alias.asname.name.value
    return _dotted(alias.name).partition(".")[0]
