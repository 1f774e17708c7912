"""S3: what a `threading.local` held is kept in `holdfast.state`, under a name of its own there.

`_local.user` becomes `holdfast.state.accounts_user`, `getattr(_local, "user", None)` looks there if
there is a request, and gives the default elsewhere, as it did. Every use of the local has to be one
of the known ways, in this file, and within functions: at import there is no request.
"""

from __future__ import annotations

import ast
import re

import libcst as cst

from ..findings import Finding
from ..names import dotted, everything
from .code import Code
from .outcome import RefusedError

_NOTE = (
    "holdfast.state belongs to a request: put holdfast's RequestScope first, and jobs and tests"
    " that set it into `with holdfast.open_scope():`."
)


def mend(finding: Finding, code: Code) -> str:
    """Mend it, or raise `RefusedError`."""
    made, holder, class_name = _made(code, finding)
    if dotted(made.value.func if isinstance(made.value, ast.Call) else None) not in _locals(code):
        raise RefusedError("its class is not threading.local itself")
    assert isinstance(made.value, ast.Call)  # noqa: S101 - as it was just asked
    if made.value.args or made.value.keywords:
        raise RefusedError("it is made with arguments")
    names = _spellings(holder, class_name)
    _refuse_uses_elsewhere(code, holder, class_name)
    _Uses(code, made, names, _prefix(code, holder)).mend()
    code.remove(code.node(made, cst.SimpleStatementLine))
    code.imports.unneeded(ast.unparse(made.value.func).partition(".")[0])
    return _NOTE


def _made(code: Code, finding: Finding) -> tuple[ast.Assign, str, str]:
    """The statement, the name that it binds, and the class that it stands in."""
    for part in code.file.tree.body:
        if isinstance(part, ast.Assign) and part.lineno == finding.line:
            return part, _one_name(part), ""
        if isinstance(part, ast.ClassDef):
            for inner in part.body:
                if isinstance(inner, ast.Assign) and inner.lineno == finding.line:
                    if len(part.body) == 1:
                        raise RefusedError("its class would be empty")
                    return inner, _one_name(inner), part.name
    raise RefusedError("it is made within a function, or under a condition")


def _one_name(node: ast.Assign) -> str:
    if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    raise RefusedError("it has more than one name")


def _locals(code: Code) -> set[str]:
    """How this file spells `threading.local`."""
    found = set()
    for own, full in code.file.index.names.items():
        if full == "threading.local":
            found.add(own)
        elif full == "threading":
            found.add(f"{own}.local")
    return found


def _spellings(holder: str, class_name: str) -> set[str]:
    if not class_name:
        return {holder}
    return {f"{owner}.{holder}" for owner in ("self", "cls", class_name, "self.__class__")}


def _prefix(code: Code, holder: str) -> str:
    """What names in `holdfast.state` begin with: the package, or the module where there is none."""
    parts = code.file.index.name.split(".")
    name = parts[-2] if len(parts) > 1 and not code.file.index.is_package else parts[-1]
    name = name.strip("_") or "local"
    if re.search(rf"\bstate\.(get\(\")?{name}_", code.file.source.text):
        return f"{name}_{holder.strip('_')}"  # another one of this file has these names
    return name


def _refuse_uses_elsewhere(code: Code, holder: str, class_name: str) -> None:
    full = (
        f"{code.file.index.name}.{class_name}.{holder}"
        if class_name
        else (f"{code.file.index.name}.{holder}")
    )
    for module in code.file.project.all:
        if module is code.file.index:
            continue
        if any(code.file.project.canonical(known) == full for known in module.names.values()):
            raise RefusedError(f"{module.name} uses it, too")
        for function in module.functions.values():
            for used in (*function.writes, *function.calls):
                if code.file.project.canonical(used.partition("[")[0]).startswith(full):
                    raise RefusedError(f"{module.name} uses it, too")
    if class_name and code.file.project.descendants.get(f"{code.file.index.name}.{class_name}"):
        raise RefusedError(f"classes inherit it from {class_name}")


class _Uses:
    """All uses of the local in its file."""

    def __init__(self, code: Code, made: ast.Assign, names: set[str], prefix: str) -> None:
        self.code = code
        self.names = names
        self.prefix = prefix
        self.made = {id(part) for part in everything(made)}
        self.taken: set[int] = set()
        #: Expressions that need no parentheses, whatever they are.
        self.alone = {id(one) for part in everything(code.file.tree) for one in _whole(part)}

    def mend(self) -> None:
        """Change them, or raise `RefusedError` at the first that isn't known."""
        in_functions = {
            id(part) for one in self.code.file.functions for part in everything(one.node)
        }
        parts = [part for part in everything(self.code.file.tree) if id(part) not in self.made]
        changed = 0
        for part in parts:
            known = self._known(part)
            if known is None:
                continue
            if id(part) not in in_functions:
                raise RefusedError(f"line {part.lineno} uses it at import, where no request is")  # type: ignore[attr-defined]
            changed += 1
        for part in parts:
            if isinstance(part, ast.Global) and self.names & set(part.names):
                raise RefusedError("a function makes it anew")
            if self._is_it(part) and id(part) not in self.taken:
                raise RefusedError(
                    f"line {part.lineno} uses it in a way that holdfast.state hasn't"  # type: ignore[attr-defined]
                )
        if not changed:
            raise RefusedError("nothing in this file uses it")

    def _is_it(self, node: ast.AST | None) -> bool:
        return isinstance(node, ast.Name | ast.Attribute) and dotted(node) in self.names

    def _name(self, attribute: str) -> str:
        if attribute.startswith("__"):
            raise RefusedError(f"it uses {attribute}")
        return f"{self.prefix}_{attribute}"

    def _known(self, part: ast.AST) -> bool | None:
        """Change one use, if it is one that is known."""
        if isinstance(part, ast.Attribute) and self._is_it(part.value):
            self.taken.add(id(part.value))
            self._replace(part, cst.Attribute, self._spelled(part.attr))
            return True
        if not isinstance(part, ast.Call) or not isinstance(part.func, ast.Name) or not part.args:
            return None
        if not self._is_it(part.args[0]) or part.keywords:
            return None
        key = part.args[1] if len(part.args) > 1 else None
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return None
        return self._asked(part, part.func.id, key.value)

    def _asked(self, part: ast.Call, function: str, attribute: str) -> bool | None:
        own = self._name(attribute)
        holdfast = self.code.imports.module("holdfast")
        state, there = f"{holdfast}.state", f"{holdfast}.current(None)"
        more = part.args[2:]
        if function == "getattr" and len(more) == 1:
            if not _is_plain(more[0]):
                raise RefusedError(f"line {part.lineno} makes its default by a call")
            default = self.code.text(more[0])
            asked = (
                f'{state}.get("{own}")' if default == "None" else f'{state}.get("{own}", {default})'
            )
            self._replace(part, cst.Call, self._loose(part, f"{asked} if {there} else {default}"))
        elif function == "getattr" and not more:
            self._replace(part, cst.Call, self._spelled(attribute))
        elif function == "hasattr" and not more:
            text = f'{there} is not None and "{own}" in {state}'
            self._replace(part, cst.Call, self._loose(part, text))
        elif function == "setattr" and len(more) == 1:
            text = f'setattr({state}, "{own}", {self.code.text(more[0])})'
            self._replace(part, cst.Call, text)
        elif function == "delattr" and not more:
            self._replace(part, cst.Call, f'delattr({state}, "{own}")')
        else:
            return None
        self.taken.add(id(part.args[0]))
        return True

    def _loose(self, part: ast.expr, text: str) -> str:
        return text if id(part) in self.alone else f"({text})"

    def _spelled(self, attribute: str) -> str:
        return f"{self.code.imports.module('holdfast')}.state.{self._name(attribute)}"

    def _replace(self, part: ast.expr, kind: type[cst.BaseExpression], text: str) -> None:
        self.code.replace(self.code.node(part, kind), self.code.expression(text))


def _whole(node: ast.AST) -> list[ast.expr]:
    """The expressions that stand in *node* with nothing around them."""
    if isinstance(node, ast.Return | ast.Assign | ast.AnnAssign | ast.Expr):
        return [node.value] if node.value is not None else []
    if isinstance(node, ast.If | ast.While):
        return [node.test]
    return list(node.args) if isinstance(node, ast.Call) else []


def _is_plain(node: ast.expr) -> bool:
    return not any(
        isinstance(part, ast.Call | ast.Await | ast.Yield | ast.NamedExpr)
        for part in everything(node)
    )
