"""One file twice: as the rules see it (`ast`), and as it is changed (LibCST)."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, Union, cast

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from ..file import Defined, DefinedClass, File
from ..findings import Finding
from ..names import everything
from .imports import Imports
from .outcome import RefusedError

_Node = TypeVar("_Node", bound=cst.CSTNode)
Changed = Union[
    cst.CSTNode,
    cst.RemovalSentinel,
    "cst.FlattenSentinel[cst.BaseStatement]",
    "cst.FlattenSentinel[cst.BaseSmallStatement]",
]
Edit = Callable[[cst.CSTNode], Changed]


class Code:
    """A file that is being mended.

    Args:
        file: as the rules see it.
        data: its bytes.

    Raises:
        RefusedError: LibCST can't parse it, or wouldn't write the same bytes.
    """

    def __init__(self, file: File, data: bytes) -> None:
        self.file = file
        try:
            module = cst.parse_module(data)
        except (cst.ParserSyntaxError, UnicodeError, ValueError, RecursionError) as error:
            raise RefusedError("LibCST can't parse the file") from error
        if module.bytes != data:
            raise RefusedError("LibCST would write other parts of the file differently, too")
        wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
        self.module = wrapper.module
        self._lines = file.source.text.split("\n")
        self._at: dict[tuple[int, int], list[cst.CSTNode]] = {}
        self._ends: dict[cst.CSTNode, tuple[int, int]] = {}
        for node, place in wrapper.resolve(PositionProvider).items():
            self._at.setdefault((place.start.line, place.start.column), []).append(node)
            self._ends[node] = place.end.line, place.end.column
        self._edits: dict[cst.CSTNode, list[Edit]] = {}
        self.imports = Imports(file.index, file.tree)

    # Finding

    def node(self, place: ast.AST, kind: type[_Node]) -> _Node:
        """The outermost node of a kind that begins where *place* does; an expression ends there."""
        end = 0, 0
        if isinstance(place, ast.expr):
            end_line = place.end_lineno or 0
            end = end_line, self._letters(end_line, place.end_col_offset or 0)
        # Outer nodes are resolved after those within them.
        for node in reversed(self._at.get((getattr(place, "lineno", 0), self._column(place)), [])):
            if isinstance(node, kind) and end in ((0, 0), self._ends[node]):
                return node
        raise RefusedError("its place isn't found in the file")

    def found(self, finding: Finding, *kinds: type[ast.AST]) -> list[ast.AST]:
        """The nodes of some kinds that begin where the finding does, the outermost first."""
        here = []
        for part in everything(self.file.tree):
            if isinstance(part, kinds) and getattr(part, "lineno", 0) == finding.line:
                if self._column(part) == finding.column - 1:
                    here.append(part)
        return here

    def _column(self, place: ast.AST) -> int:
        return self._letters(getattr(place, "lineno", 1), getattr(place, "col_offset", 0))

    def _letters(self, line: int, bytes_before: int) -> int:
        """`ast` counts bytes, all others letters."""
        return len(self._lines[line - 1].encode()[:bytes_before].decode())

    def class_of(self, finding: Finding) -> DefinedClass:
        """The class that the finding's symbol is, or is in."""
        fitting = [
            one
            for one in self.file.classes
            if f"{finding.symbol}.".startswith(f"{one.name}.")
            and one.node.lineno <= finding.line <= (one.node.end_lineno or 0)
        ]
        if not fitting:
            raise RefusedError("its class isn't found")
        return max(fitting, key=lambda one: len(one.name))

    def function_of(self, finding: Finding) -> Defined:
        """The innermost function around the finding."""
        fitting = [
            one
            for one in self.file.functions
            if one.node.lineno <= finding.line <= (one.node.end_lineno or 0)
        ]
        if not fitting:
            raise RefusedError("it stands in no function")
        return max(fitting, key=lambda one: (one.node.lineno, -(one.node.end_lineno or 0)))

    def same_line(self, nodes: Iterable[ast.AST]) -> bool:
        """Whether two statements share a line, which then is no line of its own."""
        lines = [getattr(node, "lineno", 0) for node in nodes]
        return len(set(lines)) != len(lines)

    # Making

    def statement(self, text: str) -> cst.BaseStatement:
        """*text* as a statement in the manner of this file."""
        return cst.parse_statement(text, config=self.module.config_for_parsing)

    def expression(self, text: str) -> cst.BaseExpression:
        """*text* as an expression."""
        return cst.parse_expression(text, config=self.module.config_for_parsing)

    def text(self, node: ast.AST) -> str:
        """The text of *node*, as it stands in the file."""
        return ast.get_source_segment(self.file.source.text, node) or ast.unparse(node)

    def written(self, node: cst.CSTNode) -> str:
        """The text of *node*."""
        return self.module.code_for_node(node)

    # Changing

    def change(self, node: cst.CSTNode, edit: Edit) -> None:
        """Have *edit* called with *node*, when what is in it has been changed."""
        self._edits.setdefault(node, []).append(edit)

    def replace(self, node: cst.CSTNode, new: cst.CSTNode) -> None:
        """Put *new* in place of *node*; an expression keeps the parentheses around it."""

        def edit(old: cst.CSTNode) -> cst.CSTNode:
            if isinstance(new, cst.SimpleStatementLine):
                lines = getattr(old, "leading_lines", ())
                return new.with_changes(leading_lines=lines)
            if isinstance(old, cst.BaseExpression):
                return new.with_changes(lpar=old.lpar, rpar=old.rpar) if old.lpar else new
            return new

        self.change(node, edit)

    def replace_statements(self, old: Sequence[ast.stmt], new: Sequence[cst.BaseStatement]) -> None:
        """Put statements in place of others, which follow each other."""
        nodes = [self.node(one, _STATEMENT) for one in old]
        comments = any("#" in self.written(node) for node in nodes)
        if comments and not all(_has_no_comment(self.written(node)) for node in nodes[1:]):
            raise RefusedError("there are comments in between")
        first = nodes[0]

        def put(node: cst.CSTNode) -> Changed:
            lines = getattr(node, "leading_lines", ())
            head = new[0].with_changes(leading_lines=lines)
            return cst.FlattenSentinel([head, *new[1:]])

        self.change(first, put)
        for node in nodes[1:]:
            self.remove(node)

    def remove(self, node: cst.CSTNode) -> None:
        """Take *node* out."""
        self.change(node, lambda _: cst.RemoveFromParent())

    def add_after(self, node: cst.CSTNode, *statements: cst.BaseStatement) -> None:
        """Put statements behind one."""
        self.change(
            node, lambda old: cst.FlattenSentinel([cast("cst.BaseStatement", old), *statements])
        )

    def add_before(self, node: cst.CSTNode, *statements: cst.BaseStatement) -> None:
        """Put statements before one, above the comments that belong to it."""
        self.change(
            node, lambda old: cst.FlattenSentinel([*statements, cast("cst.BaseStatement", old)])
        )

    def result(self) -> bytes:
        """The file's new bytes."""
        changed = self.module.visit(_Apply(self._edits))
        changed = self.imports.applied(changed)
        return changed.bytes


_STATEMENT: Any = cst.BaseStatement


def _has_no_comment(text: str) -> bool:
    return "#" not in text


class _Apply(cst.CSTTransformer):
    def __init__(self, edits: dict[cst.CSTNode, list[Edit]]) -> None:
        super().__init__()
        self.edits = edits

    def on_leave(  # type: ignore[override]
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> Changed:
        changed: Changed = updated_node
        for edit in self.edits.get(original_node, ()):
            if not isinstance(changed, cst.CSTNode):
                raise RefusedError("two mends meet at the same place")
            changed = edit(changed)
        if isinstance(changed, cst.IndentedBlock) and not changed.body:
            passing = cst.SimpleStatementLine([cst.Pass()])
            return changed.with_changes(body=[passing])
        return changed
