"""The user's own code, rewritten so that it tells what it writes and reads.

Statements and expressions inside of functions are rewritten; what runs once, at import, is left as
it is. The code does what it did before: what is evaluated, how often, and in which order, stays.
Each place calls one of the module's hooks, all behind one name that the loader puts into it.

    self.user = request.user      ->  __holdfast__.set(request.user, self, "user")
    self.user                     ->  __holdfast__.get(self, "user")
    cache[key] = value            ->  __holdfast__.set_item(value, cache, key)
    cache[key]                    ->  __holdfast__.get_item(cache, key)
    cache.pop(key)                ->  __holdfast__.method(cache, "pop")(key)
    global last; last = user      ->  last = user; __holdfast__.bound(<module>, "last", last)
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from types import CodeType
from typing import Any, cast

from .syntax import assign, at, call, forget, name, statement
from .targets import CELLS_OF, Targets, holds_places
from .trouble import trouble
from .variables import Function, bound_inside, globals_that_change

#: Methods by which containers, thread-locals and context variables are changed or read.
METHODS = frozenset(
    {
        "add", "append", "appendleft", "clear", "copy", "discard", "extend", "get", "insert",
        "items", "keys", "pop", "popitem", "popleft", "remove", "set", "setdefault", "update",
        "values", "reset",
    }
)  # fmt: skip
#: Python's own functions that do the same by name, unless these names mean something else there.
_BY_NAME = frozenset({"getattr", "setattr", "delattr"})
#: What they give, without arguments, are a function's names, and ours among them.
_NAMES_HERE = frozenset({"locals", "vars", "dir"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def rewrite(source: bytes | str, filename: str) -> ast.Module:
    """The module's tree, with the hooks in it.

    Raises:
        SyntaxError: as `compile` would.
    """
    tree = ast.parse(source, filename)
    _Rewriter(globals_that_change(tree)).module(tree)
    return ast.fix_missing_locations(tree)


def compiled(source: bytes, path: str, begin: str = "") -> CodeType:
    """The rewritten module's code; the module as it is, if it can't be rewritten.

    Args:
        source: of the module.
        path: of its file.
        begin: a statement that comes before its own.

    Raises:
        SyntaxError: as `compile` would.
    """
    try:
        tree = rewrite(source, path)
        first = _first(tree.body)
        tree.body[first:first] = ast.parse(begin).body
        code: CodeType = compile(tree, path, "exec", dont_inherit=True)
    except Exception as error:  # noqa: BLE001 - nested too deeply, for example
        plain: CodeType = compile(source, path, "exec", dont_inherit=True)
        trouble(f"{path} is not watched", error)
        return plain
    return code


def _first(body: Sequence[ast.stmt]) -> int:
    """How many statements have to come first: a docstring, `from __future__ import ...`."""
    for number, line in enumerate(body):
        is_future = isinstance(line, ast.ImportFrom) and line.module == "__future__"
        is_text = isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
        if not is_future and not is_text:
            return number
    return len(body)


class _Rewriter(Targets, ast.NodeTransformer):
    """Rewrites what stands in functions.

    Args:
        changing: names of the module that some function binds anew.
    """

    def module(self, tree: ast.Module) -> None:
        """Rewrite the functions in *tree*, in place."""
        tree.body = self._at_import(tree.body)

    # What runs at import

    def _at_import(self, body: list[ast.stmt]) -> list[ast.stmt]:
        for line in body:
            for node in self._functions_in(line):
                self.visit(node)
        return body

    def _functions_in(self, node: ast.AST) -> Iterable[ast.AST]:
        """Functions and classes in code that runs at import."""
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            yield node
            return
        for child in ast.iter_child_nodes(node):
            yield from self._functions_in(child)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Its methods; its body runs once, unless it stands in a function."""
        self._classes.append(node.name)
        if self._function is None:
            node.body = self._at_import(node.body)
        else:
            # Names in its body are looked up in a way of their own: only methods are rewritten.
            for line in node.body:
                for inner in self._functions_in(line):
                    self.visit(inner)
        self._classes.pop()
        return node

    # Functions

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Its body. Decorators, defaults and annotations are evaluated where it is defined."""
        return self._in_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        """As a plain function."""
        return self._in_function(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """Its expression."""
        return self._in_function(node)

    def _in_function(self, node: Any) -> ast.AST:
        self._count += 1
        outer = self._function
        function = self._function = Function(node, outer, self._count)
        if isinstance(node, ast.Lambda):
            node.body = self.visit(node.body)
            self._function = outer
            return cast(ast.AST, node)
        function.shared.update(bound_inside(node) & function.bound)
        body = self._statements(node.body)
        if function.shared:
            where = 1 if ast.get_docstring(node, clean=False) is not None else 0
            cells = assign(CELLS_OF % function.number, call("cells"))
            body.insert(where, at(cells, node.body[0]))
        node.body = body
        self._function = outer
        return cast(ast.AST, node)

    def _statements(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for line in body:
            result = self.visit(line)
            if isinstance(result, list):
                found.extend(result)
            elif result is not None:
                found.append(result)
        return found

    # Statements

    def visit_Assign(self, node: ast.Assign) -> Any:
        """Each target that is an attribute, an item, or a name that others see."""
        target = node.targets[0]
        alone = len(node.targets) == 1
        mixes = alone and _reads(node.value, target)
        value = self.visit(node.value)
        if mixes:
            return self._counted(target, node, value)
        if alone:
            return self._stored(target, value, node)
        if not any(holds_places(target) for target in node.targets):
            node.value = value
            return [node, *(one for each in node.targets for one in self._bound_in(each, node))]
        given = self._temporary()
        stored = [one for each in node.targets for one in self._stored(each, name(given), node)]
        return [at(assign(given, value), node), *stored, forget(node, given)]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        """As an assignment, if it is one."""
        if node.value is None:
            return node
        value = self.visit(node.value)
        if holds_places(node.target):
            return self._stored(node.target, value, node)
        node.value = value
        return [node, *self._bound_in(node.target, node)]

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        """A reading and a writing in one: a counter, a sum, a list that grows."""
        node.value = self.visit(node.value)
        if isinstance(node.target, ast.Name):
            holder = self._holder(node.target.id)
            if holder is None:
                return node
            return [node, statement(call("added", holder, ast.Constant(node.target.id)), node)]
        before, target, after = self._held(node.target, node, "added", "added_item")
        node.target = target
        return [*before, node, *after]

    def visit_Delete(self, node: ast.Delete) -> Any:
        """Each target, for itself."""
        found: list[ast.stmt] = []
        for target in node.targets:
            if isinstance(target, ast.Attribute | ast.Subscript):
                before, held, after = self._held(target, node, "gone", "gone_item")
                held.ctx = ast.Del()
                found += [*before, at(ast.Delete(targets=[held]), node), *after]
            else:
                found.append(at(ast.Delete(targets=[target]), node))
        return found

    def visit_For(self, node: ast.For) -> Any:
        """What it goes through is read; its target may be a name that others see."""
        node.iter = at(call("each", self.visit(node.iter)), node.iter)
        return self._loop(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> Any:
        """Its target may be a name that others see."""
        node.iter = self.visit(node.iter)
        return self._loop(node)

    def _loop(self, node: Any) -> Any:
        node.target, after = self._target(node.target, node)
        node.body = [*after, *self._statements(node.body)]
        node.orelse = self._statements(node.orelse)
        return node

    def visit_With(self, node: ast.With) -> Any:
        """Its targets, as those of an assignment."""
        return self._with(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> Any:
        """As a plain one."""
        return self._with(node)

    def _with(self, node: Any) -> Any:
        after: list[ast.stmt] = []
        for number, item in enumerate(node.items):
            item.context_expr = self.visit(item.context_expr)
            if item.optional_vars is None:
                continue
            item.optional_vars, after = self._target(item.optional_vars, node)
            rest = node.items[number + 1 :]
            if after and rest:
                # What comes next may read what is stored here.
                inner = self._with(at(type(node)(rest, node.body), node))
                node.items, node.body = node.items[: number + 1], [*after, inner]
                return node
        node.body = [*after, *self._statements(node.body)]
        return node

    def visit_Match(self, node: ast.Match) -> Any:
        """Subject, guards and bodies; patterns can hold no calls, but bind names."""
        node.subject = self.visit(node.subject)
        for case in node.cases:
            case.body = self._statements(case.body)
            if case.guard is None:
                case.body = [*self._bound_in(case.pattern, case.body[0]), *case.body]
                continue
            # They are bound by then, whatever the guard says.
            guard, bound = self.visit(case.guard), self._bindings(case.pattern)
            both = ast.Tuple([*bound, guard], ast.Load())
            last = ast.Subscript(both, ast.Constant(-1), ast.Load())
            case.guard = at(last if bound else guard, case.guard)
        return node

    def visit_TypeAlias(self, node: Any) -> ast.AST:
        """Evaluated when somebody asks for it, as annotations are."""
        return cast(ast.AST, node)

    # Expressions

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """A reading."""
        if _is_super(node.value):
            return node
        owner = self.visit(node.value)
        return at(call("get", owner, ast.Constant(self._mangled(node.attr))), node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """A reading."""
        owner, key = self.visit(node.value), self._key(node.slice)
        return at(call("get_item", owner, key), node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """A reading, if it is a variable that requests share."""
        if isinstance(node.ctx, ast.Load) and self._function is not None:
            holder = self._holder(node.id)
            if holder is not None:
                return at(call("seen", holder, ast.Constant(node.id), name(node.id)), node)
        return node

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        """A name that others see may be bound within an expression."""
        node.value = self.visit(node.value)
        binding = self._binding(node.target.id, node)
        return node if binding is None else at(binding, node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Methods that change or read what their object holds; other methods are no state."""
        function = node.func
        if isinstance(function, ast.Attribute):
            if not _is_super(function.value):
                owner = self.visit(function.value)
                if function.attr in METHODS:
                    node.func = at(call("method", owner, ast.Constant(function.attr)), function)
                else:
                    function.value = owner
        elif isinstance(function, ast.Name):
            if function.id != "super":
                node.func = self.visit(function)
            if function.id in _BY_NAME:
                node.func = at(call("builtin", node.func), function)
        else:
            node.func = self.visit(function)
        node.args = [self.visit(argument) for argument in node.args]
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value)
        if isinstance(function, ast.Name) and function.id in _NAMES_HERE and not node.args:
            return at(call("own", node), node)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        """What it goes through is read."""
        node.iter = self.visit(node.iter)
        if not node.is_async:
            node.iter = at(call("each", node.iter), node.iter)
        node.ifs = [self.visit(condition) for condition in node.ifs]
        return node


def _reads(value: ast.expr, target: ast.expr) -> bool:
    """Whether the target's old value takes part in its new one."""
    if not isinstance(target, ast.Attribute | ast.Subscript):
        return False
    owner = ast.dump(target.value)
    wanted = ast.dump(target).replace("Store()", "Load()")
    for part in ast.walk(value):
        if type(part) is type(target) and ast.dump(part) == wanted:
            return True
        # Also by name, with a default.
        if isinstance(part, ast.Call) and len(part.args) > 0:
            function, first = part.func, part.args[0]
            if isinstance(function, ast.Name) and function.id == "getattr":
                if ast.dump(first) == owner and isinstance(target, ast.Attribute):
                    return True
            elif isinstance(function, ast.Attribute) and function.attr == "get":
                if ast.dump(function.value) == owner and isinstance(target, ast.Subscript):
                    return True
    return False


def _is_super(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"
    )
