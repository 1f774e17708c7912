"""S4: a middleware that is sync becomes one that is sync and async.

`__call__` hands over to `__acall__` where `get_response` is a coroutine function; `__acall__` does
the same, and awaits `get_response`. So all that runs before and behind it must be known not to
wait: what asks the database, a cache or the network on the event loop would be worse than a thread.
"""

from __future__ import annotations

import ast

import libcst as cst

from ..file import Defined, DefinedClass
from ..findings import Finding
from ..names import FunctionNode, everything, walk
from .blocking import calls_of, why_it_may_wait
from .code import Code
from .outcome import RefusedError

_SYNC = "asgiref.sync"
_HOOKS = ("process_view", "process_exception", "process_template_response")


def mend(finding: Finding, code: Code) -> str:
    """Mend it, or raise `RefusedError`."""
    if any(c.name == finding.symbol for c in code.file.classes):
        class_ = code.class_of(finding)
        _Class(code, class_).mend(finding.code)
        if any(method.own_name in _HOOKS for method in code.file.methods(class_)):
            return (
                "Middleware hooks such as process_view still run in a thread under ASGI: make them"
                " coroutine functions, or do their work in __call__."
            )
        return ""
    for function in code.file.functions:
        if function.name == finding.symbol and function.node.lineno == finding.line:
            _Factory(code, function).mend()
            return ""
    raise RefusedError("its place isn't found in the file")


class _Class:
    def __init__(self, code: Code, class_: DefinedClass) -> None:
        self.code = code
        self.class_ = class_
        self.methods = {one.own_name: one for one in code.file.methods(class_)}

    def mend(self, finding_code: str) -> None:
        """By the kind of the finding."""
        self._refuse_relatives(finding_code)
        if finding_code == "S4c":
            self._wake()
            return
        call = self._call()
        inherits = finding_code == "S4b"
        if not inherits:
            self._mark()
            self._declare()
        self._add_async_half(call)

    def _refuse_relatives(self, finding_code: str) -> None:
        full = self.class_.full_name
        project = self.code.file.project
        if project.descendants.get(full):
            raise RefusedError("classes inherit from it, and may rely on a synchronous __call__")
        if finding_code == "S4b":
            return
        bases = [ast.unparse(base) for base in self.class_.node.bases]
        if any(base != "object" for base in bases) or self.class_.node.keywords:
            raise RefusedError(f"what it inherits from {', '.join(bases)} isn't known")
        for name in ("sync_capable", "async_capable"):
            found = project.attribute(full, name)
            if found is not None and found[1] == "constant:False":
                raise RefusedError(f"it says {name} = False, which may be meant")

    def _call(self) -> Defined:
        call = self.methods.get("__call__")
        if call is None or not isinstance(call.node, ast.FunctionDef):
            raise RefusedError("it has no __call__ of its own")
        if "__acall__" in self.methods:
            raise RefusedError("it has an __acall__ already")
        if call.node.decorator_list:
            raise RefusedError("its __call__ is decorated")
        if len(call.parameters) != 1 or call.node.args.vararg or call.node.args.kwarg:
            raise RefusedError("its __call__ takes more than the request")
        if self.code.same_line([call.node, *call.node.body[:1]]):
            raise RefusedError("its __call__ stands on one line")
        stored = self._stored()
        ways = {f"{call.self_name}.{stored}", "super().__call__"}
        _refuse_hidden(call.node, ways)
        for name, method in self.methods.items():
            if name not in {"__call__", "__init__"} and any(
                _mentions(method.node, way) for way in ways
            ):
                raise RefusedError(f"{name} calls get_response, too")
        why = why_it_may_wait(self.code.file, call, frozenset(ways))
        if why:
            raise RefusedError(why)
        return call

    def _stored(self) -> str:
        """The attribute that holds get_response."""
        made = self.methods.get("__init__")
        if made is None:
            return "get_response"
        name = self._parameter(made)
        found = [
            target.attr
            for part in walk(made.node)
            if isinstance(part, ast.Assign)
            and isinstance(part.value, ast.Name)
            and part.value.id == name
            for target in part.targets
            if isinstance(target, ast.Attribute)
            and isinstance(target.value, ast.Name)
            and target.value.id == made.self_name
        ]
        if len(found) == 1:
            return found[0]
        if _mentions(made.node, "super().__init__"):
            return "get_response"
        raise RefusedError("how its __init__ keeps get_response isn't known")

    @staticmethod
    def _parameter(made: Defined) -> str:
        if not made.parameters:
            raise RefusedError("its __init__ takes no get_response")
        return made.parameters[0]

    def _mark(self) -> None:
        """Have `__init__` say that the object is a coroutine function, where it is one."""
        made = self.methods.get("__init__")
        if made is None:
            raise RefusedError("it has no __init__ that takes get_response")
        if any(isinstance(part, ast.Return) for part in walk(made.node)):
            raise RefusedError("its __init__ returns early")
        if made.node.decorator_list or self.code.same_line([made.node, *made.node.body[:1]]):
            raise RefusedError("its __init__ is not a plain one")
        name = self._parameter(made)
        is_async = self.code.imports.name(_SYNC, "iscoroutinefunction")
        mark = self.code.imports.name(_SYNC, "markcoroutinefunction")
        self._append(
            made.node,
            f"if {is_async}({name}):\n    {mark}({made.self_name})\n",
        )

    def _append(self, node: FunctionNode, text: str) -> None:
        found = self.code.node(node, cst.FunctionDef)
        self.code.add_after(_body(found).body[-1], self.code.statement(text))

    def _declare(self) -> None:
        """Say `sync_capable` and `async_capable`, below the docstring."""
        missing = [
            name
            for name in ("sync_capable", "async_capable")
            if self.code.file.project.attribute(self.class_.full_name, name) is None
        ]
        lines = [self.code.statement(f"{name} = True\n") for name in missing]
        if not lines:
            return
        found = self.code.node(self.class_.node, cst.ClassDef)
        if self.code.same_line([self.class_.node, *self.class_.node.body[:1]]):
            raise RefusedError("its body stands on one line")
        has_docstring = _is_docstring(self.class_.node.body[0])

        def put(node: cst.CSTNode) -> cst.CSTNode:
            block = _body(cst.ensure_type(node, cst.ClassDef))
            docstring, rest = list(block.body[:has_docstring]), list(block.body[has_docstring:])
            if docstring:
                lines[0] = lines[0].with_changes(leading_lines=[cst.EmptyLine(indent=False)])
            if rest:
                rest[0] = _apart(rest[0])
            return node.with_changes(body=block.with_changes(body=[*docstring, *lines, *rest]))

        self.code.change(found, put)

    def _add_async_half(self, call: Defined) -> None:
        code = self.code
        is_async = code.imports.name(_SYNC, "iscoroutinefunction")
        request = call.parameters[0]
        found = code.node(call.node, cst.FunctionDef)
        hand_over = code.statement(
            f"if {is_async}({call.self_name}):\n    return {call.self_name}.__acall__({request})\n"
        )
        stored = f"{call.self_name}.{self._stored()}"
        half = _awaited(found, {stored, "super().__call__"}, code)
        body = _body(found)
        if _is_docstring(call.node.body[0]):
            if len(call.node.body) == 1:
                raise RefusedError("its __call__ does nothing")
            code.add_after(body.body[0], hand_over)
        else:
            code.add_before(body.body[0], hand_over)
        code.add_after(found, half)

    def _wake(self) -> None:
        """S4c: there is an async half, which only has to be announced."""
        made, call = self.methods.get("__init__"), self.methods.get("__call__")
        half = self.methods.get("__acall__") or self.methods.get("acall")
        if made is None or not _mentions(made.node, "markcoroutinefunction"):
            raise RefusedError("its __init__ doesn't mark it as a coroutine function")
        if call is None or half is None or not isinstance(half.node, ast.AsyncFunctionDef):
            raise RefusedError("it isn't clear which of its methods is the async half")
        if not _mentions(call.node, f"{call.self_name}.{half.own_name}"):
            raise RefusedError("its __call__ doesn't hand over to its async half")
        why = _why_a_coroutine_waits(self.code, half)
        if why:
            raise RefusedError(f"its async half was never run, and {why}")
        self._declare()


class _Factory:
    """A function of get_response that returns one of the request."""

    def __init__(self, code: Code, function: Defined) -> None:
        self.code = code
        self.function = function

    def mend(self) -> None:
        code, node = self.code, self.function.node
        given = self.function.parameters[0]
        inner = [one for one in node.body if isinstance(one, ast.FunctionDef)]
        names = {
            part.value.id
            for part in walk(node)
            if isinstance(part, ast.Return) and isinstance(part.value, ast.Name)
        }
        inner = [one for one in inner if one.name in names]
        if len(inner) != 1 or len(names) != 1:
            raise RefusedError("which function it returns isn't clear")
        found = inner[0]
        if node.decorator_list or found.decorator_list:
            raise RefusedError("it is decorated")
        if code.same_line([node, *node.body[:1]]) or code.same_line([found, *found.body[:1]]):
            raise RefusedError("it stands on one line")
        others = [
            part
            for one in node.body
            if one is not found
            for part in everything(one)
            if isinstance(part, ast.Call) and ast.unparse(part.func) == given
        ]
        if others:
            raise RefusedError("get_response is called outside of the function that it returns")
        _refuse_hidden(found, {given})
        defined = next(one for one in code.file.functions if one.node is found)
        why = why_it_may_wait(code.file, defined, frozenset({given}))
        if why:
            raise RefusedError(why)
        self._write(found, given)

    def _write(self, found: ast.FunctionDef, given: str) -> None:
        code = self.code
        is_async = code.imports.name(_SYNC, "iscoroutinefunction")
        both = code.imports.name("django.utils.decorators", "sync_and_async_middleware")
        outer = code.node(self.function.node, cst.FunctionDef)
        inner = code.node(found, cst.FunctionDef)
        plain = inner.with_changes(leading_lines=[cst.EmptyLine(indent=False)])
        half = _awaited(inner, {given}, code, name=found.name)
        choice = code.statement(f"if {is_async}({given}):\n    pass\nelse:\n    pass\n")
        assert isinstance(choice, cst.If)  # noqa: S101 - as it was written
        assert isinstance(choice.orelse, cst.Else)  # noqa: S101
        choice = choice.with_changes(
            leading_lines=inner.leading_lines,
            body=choice.body.with_changes(body=[half]),
            orelse=choice.orelse.with_changes(
                leading_lines=[cst.EmptyLine(indent=False)],
                body=choice.orelse.body.with_changes(body=[plain]),
            ),
        )
        code.change(inner, lambda _: choice)
        mark = cst.Decorator(code.expression(both))
        code.change(outer, lambda node: node.with_changes(decorators=[mark]))


def _awaited(
    found: cst.FunctionDef, ways: set[str], code: Code, name: str = "__acall__"
) -> cst.FunctionDef:
    """The same function as a coroutine function that awaits its calls of *ways*."""
    half = found.visit(_Await(ways, code))
    assert isinstance(half, cst.FunctionDef)  # noqa: S101 - a function stays one
    statements = list(_body(half).body)
    first = statements[0]
    if (
        isinstance(first, cst.SimpleStatementLine)
        and isinstance(first.body[0], cst.Expr)
        and isinstance(first.body[0].value, cst.SimpleString | cst.ConcatenatedString)
    ):
        statements = statements[1:]
        first = statements[0]
    statements[0] = first.with_changes(leading_lines=_comments(first))
    return half.with_changes(
        name=cst.Name(name),
        asynchronous=cst.Asynchronous(),
        leading_lines=[cst.EmptyLine(indent=False)],
        lines_after_decorators=[],
        body=half.body.with_changes(body=statements),
    )


def _comments(node: cst.CSTNode) -> list[cst.EmptyLine]:
    lines = list(getattr(node, "leading_lines", ()))
    while lines and lines[0].comment is None:
        lines.pop(0)
    return lines


class _Await(cst.CSTTransformer):
    def __init__(self, ways: set[str], code: Code) -> None:
        super().__init__()
        self.ways = ways
        self.code = code

    def leave_Call(  # noqa: N802 - LibCST's name
        self, original_node: cst.Call, updated_node: cst.Call
    ) -> cst.BaseExpression:
        written = self.code.written(original_node.func)
        if written not in self.ways:
            return updated_node
        call = updated_node
        if written == "super().__call__":
            func = cst.ensure_type(call.func, cst.Attribute)
            call = call.with_changes(func=func.with_changes(attr=cst.Name("__acall__")))
        return cst.Await(
            call.with_changes(lpar=[], rpar=[]),
            lpar=call.lpar or [],
            rpar=call.rpar or [],
        )

    def leave_Attribute(  # noqa: N802
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        return _parenthesised(updated_node, "value")

    def leave_Subscript(  # noqa: N802
        self, original_node: cst.Subscript, updated_node: cst.Subscript
    ) -> cst.BaseExpression:
        return _parenthesised(updated_node, "value")


def _parenthesised(
    node: cst.Attribute | cst.Subscript, field: str
) -> cst.Attribute | cst.Subscript:
    """`(await f(x)).status`, not `await f(x).status`."""
    value = getattr(node, field)
    if isinstance(value, cst.Await) and not value.lpar:
        value = value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        return node.with_changes(**{field: value})
    return node


def _refuse_hidden(node: FunctionNode, ways: set[str]) -> None:
    """get_response must be called where the function itself runs, and used for nothing else."""
    own = [
        part for part in walk(node) if isinstance(part, ast.Call) and ast.unparse(part.func) in ways
    ]
    if not own:
        raise RefusedError("where it calls get_response isn't clear")
    for part in everything(node):
        if isinstance(part, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp):
            for way in ways:
                if _mentions(part, way):
                    raise RefusedError("get_response is called within another function")
    everywhere = [call for way in ways for call in calls_of(node, way)]
    if len(everywhere) != len(own):
        raise RefusedError("get_response is called within another function")
    called = {id(call.func) for call in own}
    for part in everything(node):
        if isinstance(part, ast.Attribute | ast.Name) and ast.unparse(part) in ways:
            if id(part) not in called and not _is_test(node, part):
                raise RefusedError("get_response is handed on to something else")


def _is_test(node: FunctionNode, name: ast.AST) -> bool:
    """`if self.get_response:` and `callable(self.get_response)` ask, and call nothing."""
    for part in everything(node):
        if isinstance(part, ast.If | ast.IfExp) and any(
            one is name for one in everything(part.test)
        ):
            return True
    return False


def _why_a_coroutine_waits(code: Code, half: Defined) -> str:
    awaited = {
        id(part.value.func)
        for part in everything(half.node)
        if isinstance(part, ast.Await) and isinstance(part.value, ast.Call)
    }
    passed = {
        ast.unparse(part.func)
        for part in everything(half.node)
        if isinstance(part, ast.Call) and id(part.func) in awaited
    }
    stripped = ast.AsyncFunctionDef(
        half.node.name,
        half.node.args,
        [_NoAwait().visit(one) for one in _copied(half.node.body)],
        [],
    )
    plain = Defined(stripped, half.name, half.class_name, half.names, half.outer)
    return why_it_may_wait(code.file, plain, frozenset(passed))


def _copied(body: list[ast.stmt]) -> list[ast.stmt]:
    return ast.parse(ast.unparse(ast.Module(body, []))).body


class _NoAwait(ast.NodeTransformer):
    def visit_Await(self, node: ast.Await) -> ast.AST:
        self.generic_visit(node)
        return node.value


def _mentions(node: ast.AST, written: str) -> bool:
    return any(
        isinstance(part, ast.Attribute | ast.Name) and ast.unparse(part) == written
        for part in everything(node)
    )


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _body(node: cst.FunctionDef | cst.ClassDef) -> cst.IndentedBlock:
    if not isinstance(node.body, cst.IndentedBlock):
        raise RefusedError("its body stands on one line")
    return node.body


def _apart(node: cst.BaseStatement) -> cst.BaseStatement:
    """The statement with an empty line above it."""
    lines = list(getattr(node, "leading_lines", ()))
    if lines and lines[0].comment is None:
        return node
    return node.with_changes(leading_lines=[cst.EmptyLine(indent=False), *lines])
