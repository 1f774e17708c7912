"""S1: data of one request goes where the request is.

Written and read in one method, it becomes a variable; where all methods that use it are given the
request, an attribute of that; else it goes into `holdfast.state`. What is the request itself is
passed, or is `holdfast.request`.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

import libcst as cst

from ..file import Defined, DefinedClass
from ..findings import Finding
from ..names import everything, parameters
from .code import Code
from .outcome import RefusedError

_NOTE = (
    "holdfast.state and holdfast.request belong to a request: put holdfast's RequestScope first,"
    " and tests that call such methods into `with holdfast.open_scope(request):`."
)
#: What a request has of its own, or other middleware gives it.
_TAKEN = frozenset(
    {
        "COOKIES", "FILES", "GET", "LANGUAGE_CODE", "META", "POST", "accepts", "auser", "auth",
        "body", "build_absolute_uri", "close", "content_params", "content_type",
        "csrf_processing_done", "current_app", "data", "encoding", "environ", "get_full_path",
        "get_host", "get_port", "get_signed_cookie", "headers", "is_secure", "method",
        "parse_file_upload",
        "path", "path_info", "query_params", "read", "readline", "readlines", "resolver_match",
        "scheme", "scope", "session", "site", "tenant", "toolbar", "upload_handlers", "urlconf",
        "user",
    }
)  # fmt: skip

_BY_NAME = frozenset({"getattr", "setattr", "hasattr", "delattr"})


@dataclass(frozen=True)
class _Use:
    """One place that reads, writes or deletes the attribute."""

    node: ast.Attribute
    method: Defined

    @property
    def is_read(self) -> bool:
        return isinstance(self.node.ctx, ast.Load)


def mend(finding: Finding, code: Code) -> str:
    """Mend it, or raise `RefusedError`."""
    class_ = code.class_of(finding)
    holder, _, attribute = finding.attribute.rpartition(".")
    method = code.function_of(finding)
    if holder != (method.self_name or "self"):
        raise RefusedError("it is written onto the class, which others may read")
    return _Attribute(code, class_, attribute).mend()


class _Attribute:
    def __init__(self, code: Code, class_: DefinedClass, name: str) -> None:
        self.code = code
        self.class_ = class_
        self.name = name
        self.methods = list(code.file.methods(class_))
        self.default: ast.Constant | None = None
        self.made_in_init: ast.stmt | None = None
        self.uses = self._uses()

    def _uses(self) -> list[_Use]:
        return [
            _Use(part, method)
            for method in self.methods
            for part in everything(method.node)
            if isinstance(part, ast.Attribute)
            and part.attr == self.name
            and isinstance(part.value, ast.Name)
            and part.value.id == method.self_name
        ]

    def mend(self) -> str:
        self._refuse_relatives()
        self._refuse_other_uses()
        self._take_default()
        self._refuse_writes()
        self._refuse_other_times()
        if self._is_the_request():
            return self._pass_the_request()
        if self.default is None and self._is_local():
            self._replace_all(self._variable())
            return ""
        request = self._request_of_all()
        if request is not None:
            return self._onto_the_request(request)
        return self._into_state()

    # Whether it can be

    def _refuse_relatives(self) -> None:
        full, project = self.class_.full_name, self.code.file.project
        if project.descendants.get(full):
            raise RefusedError("classes inherit from it, and may use the attribute")
        if project.attribute(full, self.name) is not None:
            raise RefusedError(f"{self.name} is an attribute of the class, too")
        for ancestor in project.ancestors(full)[1:]:
            found = project.class_(ancestor)
            if found is None or ancestor == full:
                continue
            module, class_ = found
            for method in class_.methods:
                index = module.functions.get(f"{class_.name}.{method}")
                if index is not None and self.name in index.writes.get("self", []):
                    raise RefusedError(f"{ancestor} writes {self.name}, too")

    def _refuse_other_uses(self) -> None:
        for part in everything(self.class_.node):
            if isinstance(part, ast.Call) and ast.unparse(part.func) in _BY_NAME:
                if any(getattr(one, "value", None) == self.name for one in part.args[1:2]):
                    if ast.unparse(part.args[0]) in {"self", "cls"}:
                        raise RefusedError(f"{self.name} is asked for by its name")
            if isinstance(part, ast.Attribute) and part.attr == self.name:
                if ast.unparse(part.value) in {self.class_.node.name, "self.__class__", "cls"}:
                    raise RefusedError(f"{ast.unparse(part)} is used, too")
        own = {method.node.name: method.self_name for method in self.methods}
        for method in self.methods:
            held = set(_owners(method.node))
            for part in everything(method.node):
                if isinstance(part, ast.Name) and part.id == own[method.node.name]:
                    if id(part) not in held and method.self_name:
                        raise RefusedError(
                            f"{method.own_name} hands the object on to code that may read it"
                        )

    def _take_default(self) -> None:
        """A constant that `__init__` sets is what it was where no request has set it."""
        init = [use for use in self.uses if use.method.own_name == "__init__"]
        if not init:
            return
        for statement in init[0].method.node.body:
            if isinstance(statement, ast.Assign) and statement.targets == [init[0].node]:
                if isinstance(statement.value, ast.Constant) and len(init) == 1:
                    self.default, self.made_in_init = statement.value, statement
                    self.uses = [use for use in self.uses if use is not init[0]]
                    return
        raise RefusedError(f"__init__ makes {self.name} for all requests")

    def _refuse_writes(self) -> None:
        for use in self.uses:
            for part in everything(use.method.node):
                if isinstance(part, ast.AugAssign) and part.target is use.node:
                    if self.default is not None or len({u.method.name for u in self.uses}) == 1:
                        raise RefusedError(f"{self.name} counts over all requests")
                if isinstance(part, ast.Global | ast.Nonlocal) and self.name in part.names:
                    raise RefusedError(f"{self.name} is a variable of another function, too")
        if not any(isinstance(use.node.ctx, ast.Store) for use in self.uses):
            raise RefusedError(f"nothing of a request's own is bound to {self.name}")
        if not any(use.is_read for use in self.uses):
            raise RefusedError(f"nothing in the class reads {self.name}: others may")

    def _refuse_other_times(self) -> None:
        known = self.code.file.lifetimes.at_request_time(self.class_.full_name)
        for use in self.uses:
            if use.method.own_name not in known:
                raise RefusedError(
                    f"{use.method.own_name}, which may run without a request, uses it, too"
                )

    # The request itself

    def _is_the_request(self) -> bool:
        writes = self._written_values()
        return bool(writes) and all(
            isinstance(value, ast.Name) and value.id == _request_parameter(use.method)
            for use, value in writes
        )

    def _written_values(self) -> list[tuple[_Use, ast.expr | None]]:
        values: list[tuple[_Use, ast.expr | None]] = []
        for use in self.uses:
            if isinstance(use.node.ctx, ast.Store):
                values.append((use, self._statement(use)[1]))
            elif isinstance(use.node.ctx, ast.Del):
                values.append((use, None))
        return values

    def _statement(self, use: _Use) -> tuple[ast.Assign | None, ast.expr | None]:
        for part in everything(use.method.node):
            if isinstance(part, ast.Assign) and part.targets == [use.node]:
                return part, part.value
        return None, None

    def _pass_the_request(self) -> str:
        note = ""
        for use in self.uses:
            if not use.is_read:
                statement, _ = self._statement(use)
                assert statement is not None  # noqa: S101 - it is one that assigns
                self.code.remove(self.code.node(statement, cst.SimpleStatementLine))
                continue
            text = _request_parameter(use.method)
            if not text or _is_rebound(use.method, text):
                text = f"{self.code.imports.module('holdfast')}.request"
                note = _NOTE
            self._replace(use, text)
        self._remove_default()
        return note

    # A variable

    def _is_local(self) -> bool:
        """All in one method, whose own statements write it before anything reads it."""
        methods = {use.method.name for use in self.uses}
        if len(methods) != 1:
            return False
        method = self.uses[0].method
        own = {id(part) for part in _own_parts(method.node)}
        if any(not use.is_read and id(use.node) not in own for use in self.uses):
            return False
        first = min(self.uses, key=lambda use: (use.node.lineno, use.node.col_offset))
        for statement in method.node.body:
            if isinstance(statement, ast.Assign) and first.node in statement.targets:
                inside = {id(part) for part in everything(statement.value)}
                return not any(use.is_read and id(use.node) in inside for use in self.uses)
        return False

    def _variable(self) -> str:
        method = self.uses[0].method
        taken = {part.id for part in everything(method.node) if isinstance(part, ast.Name)} | set(
            parameters(method.node)
        )
        name = self.name.strip("_") or "value"
        while name in taken or name in self.code.file.index.names:
            name += "_"
        return name

    # The request's attribute, and its state

    def _request_of_all(self) -> dict[str, str] | None:
        """How each method that uses it calls the request; None, if one has none."""
        found = {use.method.name: _request_parameter(use.method) for use in self.uses}
        if not all(found.values()):
            return None
        if any(_is_rebound(use.method, found[use.method.name]) for use in self.uses):
            return None
        return found

    def _onto_the_request(self, request: dict[str, str]) -> str:
        name = self.name
        if name in _TAKEN or re.search(rf"\brequest\.{name}\b", self.code.file.source.text):
            name = self._long_name()
        for use in self.uses:
            owner = request[use.method.name]
            if use.is_read and self.default is not None:
                self._replace(use, f'getattr({owner}, "{name}", {self.code.text(self.default)})')
            else:
                self._replace(use, f"{owner}.{name}")
        self._remove_default()
        return ""

    def _into_state(self) -> str:
        state = f"{self.code.imports.module('holdfast')}.state"
        name = self._long_name()
        for use in self.uses:
            if use.is_read and self.default is not None:
                default = self.code.text(self.default)
                given = "" if default == "None" else f", {default}"
                self._replace(use, f'{state}.get("{name}"{given})')
            else:
                self._replace(use, f"{state}.{name}")
        self._remove_default()
        return _NOTE

    def _long_name(self) -> str:
        class_name = re.sub(
            r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", self.class_.node.name
        )
        return f"{class_name.lower().strip('_')}_{self.name.lstrip('_')}"

    # Changing

    def _replace_all(self, text: str) -> None:
        for use in self.uses:
            self._replace(use, text)

    def _replace(self, use: _Use, text: str) -> None:
        self.code.replace(self.code.node(use.node, cst.Attribute), self.code.expression(text))

    def _remove_default(self) -> None:
        if self.made_in_init is not None:
            self.code.remove(self.code.node(self.made_in_init, cst.SimpleStatementLine))


def _owners(node: ast.AST) -> list[int]:
    """Names of which only an attribute, or the kind, is asked."""
    found = []
    for part in everything(node):
        if isinstance(part, ast.Attribute):
            found.append(id(part.value))
        elif isinstance(part, ast.Call) and ast.unparse(part.func) in _ASKS:
            found += [id(one) for one in part.args]
    return found


_ASKS = frozenset({"super", "isinstance", "getattr", "hasattr", "type"})


def _request_parameter(method: Defined) -> str:
    """What the method calls the request that it is given; empty, if it is given none."""
    for argument in (*method.node.args.posonlyargs, *method.node.args.args):
        annotation = ast.unparse(argument.annotation) if argument.annotation is not None else ""
        if argument.arg in {"request", "req", "http_request"} or annotation.endswith("HttpRequest"):
            return argument.arg
    return ""


def _is_rebound(method: Defined, name: str) -> bool:
    """Whether the name stands for something else somewhere in the method."""
    for part in everything(method.node):
        if isinstance(part, ast.Name) and part.id == name and not isinstance(part.ctx, ast.Load):
            return True
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            if part is not method.node and name in _arguments(part):
                return True
    return False


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    return {one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}


def _own_parts(node: ast.AST) -> list[ast.AST]:
    """All in a function but what is in functions within it."""
    found: list[ast.AST] = []
    todo = list(ast.iter_child_nodes(node))
    while todo:
        part = todo.pop()
        found.append(part)
        if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            todo += ast.iter_child_nodes(part)
    return found
