"""One file, as a rule sees it: its text, its syntax, and all that is known of the project."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .findings import Finding
from .index import ModuleIndex, Names, is_test, method_call
from .lifetimes import Lifetimes
from .names import FunctionNode, everything, parameters, statements, walk
from .project import Function, Project
from .sources import Source


@dataclass(frozen=True, slots=True)
class Defined:
    """A function in this file.

    Attributes:
        node: its syntax.
        name: within the module, such as `Middleware.__call__`.
        class_name: the full name of the class that it is a method of; empty for functions.
        names: what names stand for within it.
        outer: the function around it, if there is one.
    """

    node: FunctionNode
    name: str
    class_name: str
    names: Names
    outer: Defined | None

    @property
    def own_name(self) -> str:
        """Without what it is in."""
        return self.node.name

    @property
    def parameters(self) -> list[str]:
        """Without `self` or `cls`, for methods."""
        found = parameters(self.node)
        static = any(
            isinstance(decorator, ast.Name) and decorator.id == "staticmethod"
            for decorator in self.node.decorator_list
        )
        return found[1:] if self.class_name and not static else found

    @property
    def self_name(self) -> str:
        """What it calls its own object or class; empty, if it has none."""
        found = parameters(self.node)
        return found[0] if self.class_name and found and found[0] not in self.parameters else ""


@dataclass(frozen=True, slots=True)
class DefinedClass:
    """A class in this file."""

    node: ast.ClassDef
    name: str
    full_name: str


class File:
    """What a rule is given."""

    def __init__(
        self, source: Source, shown_path: str, index: ModuleIndex, lifetimes: Lifetimes
    ) -> None:
        assert source.tree is not None  # noqa: S101 - files that can't be parsed reach no rule
        self.source = source
        self.tree: ast.Module = source.tree
        self.path = shown_path
        self.index = index
        self.lifetimes = lifetimes
        self.project: Project = lifetimes.project
        self.names = Names(index)

    @property
    def is_test(self) -> bool:
        """Whether it holds tests."""
        return is_test(self.path)

    @cached_property
    def lines(self) -> list[str]:
        """Its text, line by line."""
        return self.source.text.split("\n")

    @cached_property
    def _defined(self) -> tuple[list[Defined], list[DefinedClass]]:
        functions: list[Defined] = []
        classes: list[DefinedClass] = []

        def visit(
            body: list[ast.stmt], within: str, class_name: str, names: Names, outer: Defined | None
        ) -> None:
            for statement in statements(body):
                if isinstance(statement, FunctionNode):
                    found = Defined(
                        statement,
                        f"{within}{statement.name}",
                        class_name,
                        names.within(statement),
                        outer,
                    )
                    functions.append(found)
                    visit(statement.body, f"{found.name}.", "", found.names, found)
                elif isinstance(statement, ast.ClassDef):
                    name = f"{within}{statement.name}"
                    full = f"{self.index.name}.{name}"
                    classes.append(DefinedClass(statement, name, full))
                    visit(statement.body, f"{name}.", full, names, outer)

        visit(self.tree.body, "", "", self.names, None)
        return functions, classes

    @property
    def functions(self) -> list[Defined]:
        """All functions and methods."""
        return self._defined[0]

    @property
    def classes(self) -> list[DefinedClass]:
        """All classes."""
        return self._defined[1]

    def methods(self, class_: DefinedClass) -> Iterator[Defined]:
        """Those that the class itself defines."""
        for function in self.functions:
            if function.class_name == class_.full_name:
                yield function

    def reached(self, function: Defined) -> str:
        """How it is known that requests run it; empty, if it isn't."""
        return self.lifetimes.reached_by_requests.get(f"{self.index.name}.{function.name}", "")

    def callees(self, function: Defined, call: ast.Call) -> Iterator[Function]:
        """The functions of the project that a call in *function* may reach."""
        here = self.index.functions.get(function.name)
        if here is None:
            return
        called = function.names.of(call.func)
        if not called and isinstance(call.func, ast.Attribute):
            called = method_call(call.func, function.names)
        if called:
            yield from self.project.callees(called, Function(self.index, here))

    def symbol_at(self, node: ast.AST) -> str:
        """The innermost function or class around a line."""
        line = getattr(node, "lineno", 0)
        best = ""
        size = float("inf")
        places = [(f.node, f.name) for f in self.functions] + [
            (c.node, c.name) for c in self.classes
        ]
        for place, name in places:
            end = place.end_lineno or place.lineno
            if place.lineno <= line <= end and end - place.lineno < size:
                best, size = name, end - place.lineno
        return best

    def finding(
        self,
        code: str,
        node: ast.AST,
        message: str,
        mend: str,
        *,
        symbol: str = "",
        attribute: str = "",
        severity: str = "warning",
        confidence: str = "high",
    ) -> Finding:
        """A finding at *node*."""
        line = getattr(node, "lineno", 1)
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        # Python counts bytes, people and editors count letters.
        before = text.encode()[: getattr(node, "col_offset", 0)].decode(errors="ignore")
        return Finding(
            code,
            self.path,
            line,
            len(before) + 1,
            getattr(node, "end_lineno", None) or line,
            symbol or self.symbol_at(node),
            attribute,
            severity,
            confidence,
            message,
            mend,
            text.strip(),
        )


def calls_in(node: ast.AST) -> Iterator[ast.Call]:
    """The calls that run with *node*, not those of functions within it."""
    for part in walk(node):
        if isinstance(part, ast.Call):
            yield part


def uses(node: ast.AST, wanted: set[str]) -> bool:
    """Whether one of the names is read anywhere in *node*."""
    return any(isinstance(part, ast.Name) and part.id in wanted for part in everything(node))
