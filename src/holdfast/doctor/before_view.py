"""What of a function runs before the view does, and whom it hands its request on to by then."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from .names import FunctionNode, everything, parameters, walk

#: What code calls a request that it is given.
_REQUESTS = frozenset({"_request", "http_request", "req", "request"})
#: Whoever asks for these reads the body for certain addresses only.
_ONE_PLACE = frozenset({"path", "path_info", "resolver_match", "get_full_path", "view_name"})


def before_view(function: FunctionNode) -> list[tuple[ast.AST, bool]]:
    """The parts that run before the view, and whether they do so for some requests only.

    That is for certain addresses, or where the caller says so by a parameter.

    A part runs after it if a call of the view stands before it in the same block, or in one around
    that. An early `return get_response(request)` is another way: what follows runs before the view.
    """
    ways = _Ways(function)
    ways.through(function.body, guarded=False, after=False)
    return ways.found


class _Ways:
    def __init__(self, function: FunctionNode) -> None:
        self.found: list[tuple[ast.AST, bool]] = []
        given = parameters(function)
        self.switches = set(given) - _REQUESTS
        #: What the view is called here.
        self.views = {"get_response", "get_resp"}
        if function.name == "process_view":
            self.views.update(given[2:3])

    def through(self, body: Sequence[ast.stmt], *, guarded: bool, after: bool) -> bool:
        """Go through statements. Whether the view has run at their end, if that is reached."""
        for statement in body:
            if isinstance(statement, FunctionNode | ast.ClassDef):
                continue
            if isinstance(statement, ast.If):
                after = self.branches(statement, guarded=guarded, after=after)
                guarded = guarded or _leaves_others_alone(statement)
            elif isinstance(statement, ast.Try):
                tried = self.through(statement.body, guarded=guarded, after=after)
                tried = self.through(statement.orelse, guarded=guarded, after=tried)
                for handler in statement.handlers:
                    # What the view has raised, most often.
                    self.through(handler.body, guarded=guarded, after=tried)
                after = self.through(statement.finalbody, guarded=guarded, after=tried)
            else:
                after = self.other(statement, guarded=guarded, after=after)
        return after

    def branches(self, statement: ast.If, *, guarded: bool, after: bool) -> bool:
        ended = after
        while True:  # one `elif` after the other: there may be a thousand
            after = self.take(statement.test, guarded=guarded, after=after)
            guarded = guarded or self.is_for_some(statement)
            at_end = self.through(statement.body, guarded=guarded, after=after)
            ended = ended or (at_end and not _leaves(statement.body))
            if len(statement.orelse) != 1 or not isinstance(statement.orelse[0], ast.If):
                break
            statement = statement.orelse[0]
        at_end = self.through(statement.orelse, guarded=guarded, after=after)
        return ended or (at_end and not _leaves(statement.orelse))

    def is_for_some(self, statement: ast.If) -> bool:
        test = statement.test
        if isinstance(test, ast.UnaryOp):
            test = test.operand
        if isinstance(test, ast.Name):
            return test.id in self.switches
        return not _leaves_others_alone(statement) and any(
            isinstance(part, ast.Attribute) and part.attr in _ONE_PLACE
            for part in everything(statement.test)
        )

    def other(self, statement: ast.stmt, *, guarded: bool, after: bool) -> bool:
        blocks = [getattr(statement, name, []) for name in ("body", "orelse")]
        blocks += [case.body for case in getattr(statement, "cases", [])]
        if not any(blocks):
            return self.take(statement, guarded=guarded, after=after)
        for name in ("iter", "test", "subject"):
            if (node := getattr(statement, name, None)) is not None:
                after = self.take(node, guarded=guarded, after=after)
        for item in getattr(statement, "items", []):
            after = self.take(item, guarded=guarded, after=after)
        ended = [self.through(block, guarded=guarded, after=after) for block in blocks]
        return any(ended)

    def take(self, node: ast.AST, *, guarded: bool, after: bool) -> bool:
        parts = walk(node)
        if not after:
            self.found += [(part, guarded) for part in parts]
        return after or any(self.runs_the_view(part) for part in parts)

    def runs_the_view(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.Call):
            return False
        # `get_response(request)`, and `sync_to_async(get_response)(request)`.
        called = [node.func, *node.func.args] if isinstance(node.func, ast.Call) else [node.func]
        return any(
            (one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "")) in self.views
            for one in called
        )


def _leaves(block: Sequence[ast.stmt]) -> bool:
    return bool(block) and isinstance(block[-1], ast.Return | ast.Raise | ast.Continue)


def _leaves_others_alone(statement: ast.If) -> bool:
    """`if request.path not in PATHS: return …`."""
    return (
        isinstance(statement.body[-1], ast.Return)
        and isinstance(statement.test, ast.Compare)
        and isinstance(statement.test.ops[0], ast.NotIn | ast.NotEq)
        and any(
            isinstance(part, ast.Attribute) and part.attr in _ONE_PLACE
            for part in everything(statement.test.left)
        )
    )


def aliases(function: FunctionNode, request: str) -> set[str]:
    """The names that the request bears in the function."""
    return {request} | {
        target.id
        for part in walk(function)
        if isinstance(part, ast.Assign)
        and isinstance(part.value, ast.Name)
        and part.value.id == request
        for target in part.targets
        if isinstance(target, ast.Name)
    }


def handed_on(function: FunctionNode) -> Iterator[tuple[ast.Call, str, str]]:
    """Calls before the view that are given the request.

    Yields:
        The call, the parameter whose value is handed on, and the place that it takes there: a
        number, or a keyword.
    """
    given = [name for name in parameters(function) if name in _REQUESTS]
    for request in given:
        names = aliases(function, request)
        for part, guarded in before_view(function):
            if not isinstance(part, ast.Call) or guarded:
                continue
            for number, argument in enumerate(part.args):
                if isinstance(argument, ast.Name) and argument.id in names:
                    yield part, request, str(number)
            for keyword in part.keywords:
                value = keyword.value
                if keyword.arg and isinstance(value, ast.Name) and value.id in names:
                    yield part, request, keyword.arg
