"""The user's own code, rewritten so that it tells what it writes and reads.

Statements and expressions inside of functions are rewritten; what runs once, at import, is left as
it is. The code does what it did before: what is evaluated, how often, and in which order, stays.
Each place calls one of the names in `HOOKS`, which the loader puts into the module.

    self.user = request.user      ->  __holdfast_set__(request.user, self, "user")
    self.user                     ->  __holdfast_get__(self, "user")
    cache[key] = value            ->  __holdfast_set_item__(value, cache, key)
    cache[key]                    ->  __holdfast_get_item__(cache, key)
    cache.pop(key)                ->  __holdfast_method__(cache, "pop")(key)
    global last; last = user      ->  last = user; __holdfast_bound__(<module>, "last", last)
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, cast

from .variables import Function, bound_inside, globals_that_change

_Node = TypeVar("_Node", bound=ast.AST)

SET = "__holdfast_set__"
GET = "__holdfast_get__"
SET_ITEM = "__holdfast_set_item__"
GET_ITEM = "__holdfast_get_item__"
METHOD = "__holdfast_method__"
EACH = "__holdfast_each__"
BOUND = "__holdfast_bound__"
SEEN = "__holdfast_seen__"
GONE = "__holdfast_gone__"
GONE_ITEM = "__holdfast_gone_item__"
ADDED = "__holdfast_added__"
ADDED_ITEM = "__holdfast_added_item__"
BUILTIN = "__holdfast_builtin__"
CELLS = "__holdfast_cells__"
MODULE = "__holdfast_module__"

#: What the loader has to put into a rewritten module.
HOOKS = (
    SET, GET, SET_ITEM, GET_ITEM, METHOD, EACH, BOUND, SEEN, GONE, GONE_ITEM, ADDED, ADDED_ITEM,
    BUILTIN, CELLS, MODULE,
)  # fmt: skip

#: Methods by which containers, thread-locals and context variables are changed or read.
METHODS = frozenset(
    {
        "add", "append", "appendleft", "clear", "copy", "discard", "extend", "get", "insert",
        "items", "keys", "pop", "popitem", "popleft", "remove", "set", "setdefault", "update",
        "values", "reset",
    }
)  # fmt: skip
_BUILTINS = frozenset({"getattr", "setattr", "delattr"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_CELLS_OF = "__holdfast_cells_%d__"


def rewrite(source: bytes | str, filename: str) -> ast.Module:
    """The module's tree, with the hooks in it.

    Raises:
        SyntaxError: as `compile` would.
    """
    tree = ast.parse(source, filename)
    _Rewriter(globals_that_change(tree)).module(tree)
    return ast.fix_missing_locations(tree)


class _Rewriter(ast.NodeTransformer):
    """Rewrites what stands in functions.

    Args:
        changing: names of the module that some function binds anew.
    """

    def __init__(self, changing: frozenset[str]) -> None:
        self._changing = changing
        self._function: Function | None = None
        self._classes: list[str] = []
        self._count = 0

    def module(self, tree: ast.Module) -> None:
        """Rewrite the functions in *tree*, in place."""
        tree.body = self._at_import(tree.body)

    # What runs at import

    def _at_import(self, body: list[ast.stmt]) -> list[ast.stmt]:
        for statement in body:
            for node in self._functions_in(statement):
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
            for statement in node.body:
                for inner in self._functions_in(statement):
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
        for name in bound_inside(node):
            if name in function.bound:
                function.shared.add(name)
        body = self._statements(node.body)
        if function.shared:
            where = 1 if ast.get_docstring(node, clean=False) is not None else 0
            cells = _assign(_CELLS_OF % function.number, _call(CELLS))
            body.insert(where, ast.copy_location(cells, node.body[0]))
        node.body = body
        self._function = outer
        return cast(ast.AST, node)

    def _statements(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for statement in body:
            result = self.visit(statement)
            if isinstance(result, list):
                found.extend(result)
            elif result is not None:
                found.append(result)
        return found

    # Statements

    def visit_Assign(self, node: ast.Assign) -> Any:
        """Each target that is an attribute, an item, or a name that others see."""
        mixes = any(_reads(node.value, target) for target in node.targets)
        value = self.visit(node.value)
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Attribute | ast.Subscript):
            if mixes:
                return self._counted(node.targets[0], node, value)
            return _statement(self._store(node.targets[0], value), node)
        after: list[ast.stmt] = []
        node.targets = [self._target(target, after, node) for target in node.targets]
        node.value = value
        return [node, *after]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        """As an assignment, if it is one."""
        if node.value is None:
            return node
        value = self.visit(node.value)
        if isinstance(node.target, ast.Attribute | ast.Subscript):
            return _statement(self._store(node.target, value), node)
        node.value = value
        after: list[ast.stmt] = []
        self._target(node.target, after, node)
        return [node, *after]

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        """A reading and a writing in one: a counter, a sum, a list that grows."""
        node.value = self.visit(node.value)
        if isinstance(node.target, ast.Name):
            return [node, *self._name_bound(node.target.id, node, added=True)]
        before, target, after = self._held(node.target, node, ADDED, ADDED_ITEM)
        node.target = target
        return [*before, node, *after]

    def visit_Delete(self, node: ast.Delete) -> Any:
        """Each target, for itself."""
        found: list[ast.stmt] = []
        for target in node.targets:
            if isinstance(target, ast.Attribute | ast.Subscript):
                before, held, after = self._held(target, node, GONE, GONE_ITEM)
                held.ctx = ast.Del()
                statement = ast.copy_location(ast.Delete(targets=[held]), node)
                found += [*before, statement, *after]
            else:
                found.append(ast.copy_location(ast.Delete(targets=[target]), node))
        return found

    def visit_For(self, node: ast.For) -> Any:
        """What it goes through is read; its target may be a name that others see."""
        node.iter = _at(_call(EACH, self.visit(node.iter)), node.iter)
        return self._loop(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> Any:
        """Its target may be a name that others see."""
        node.iter = self.visit(node.iter)
        return self._loop(node)

    def _loop(self, node: Any) -> Any:
        after: list[ast.stmt] = []
        node.target = self._target(node.target, after, node)
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
        for item in node.items:
            item.context_expr = self.visit(item.context_expr)
            if item.optional_vars is not None:
                item.optional_vars = self._target(item.optional_vars, after, node)
        node.body = [*after, *self._statements(node.body)]
        return node

    def visit_Match(self, node: ast.Match) -> Any:
        """Subject, guards and bodies; patterns can hold no calls."""
        node.subject = self.visit(node.subject)
        for case in node.cases:
            if case.guard is not None:
                case.guard = self.visit(case.guard)
            case.body = self._statements(case.body)
        return node

    # Expressions

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """A reading."""
        if _is_super(node.value):
            return node
        owner = self.visit(node.value)
        return _at(_call(GET, owner, ast.Constant(self._mangled(node.attr))), node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """A reading."""
        owner, key = self.visit(node.value), self._key(node.slice)
        return _at(_call(GET_ITEM, owner, key), node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """A reading, if it is a variable that requests share."""
        if isinstance(node.ctx, ast.Load) and self._function is not None:
            holder = self._holder(node.id)
            if holder is not None:
                return _at(_call(SEEN, holder, ast.Constant(node.id), _name(node.id)), node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Methods that change or read what their object holds; other methods are no state."""
        function = node.func
        if isinstance(function, ast.Attribute):
            if not _is_super(function.value):
                owner = self.visit(function.value)
                if function.attr in METHODS:
                    node.func = _at(_call(METHOD, owner, ast.Constant(function.attr)), function)
                else:
                    function.value = owner
        elif isinstance(function, ast.Name):
            if function.id in _BUILTINS and self._is_builtin(function.id):
                node.func = _at(_call(BUILTIN, ast.Constant(function.id)), function)
            elif function.id != "super":
                node.func = self.visit(function)
        else:
            node.func = self.visit(function)
        node.args = [self.visit(argument) for argument in node.args]
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        """What it goes through is read."""
        node.iter = self.visit(node.iter)
        if not node.is_async:
            node.iter = _at(_call(EACH, node.iter), node.iter)
        node.ifs = [self.visit(condition) for condition in node.ifs]
        return node

    # Targets

    def _target(self, node: ast.expr, after: list[ast.stmt], place: ast.AST) -> Any:
        """The target as it is to stand there; what has to follow goes to *after*."""
        if isinstance(node, ast.Tuple | ast.List):
            node.elts = [self._target(element, after, place) for element in node.elts]
            return node
        if isinstance(node, ast.Starred):
            node.value = self._target(node.value, after, place)
            return node
        if isinstance(node, ast.Name):
            after += self._name_bound(node.id, place)
            return node
        name = self._temporary()
        after.append(_statement(self._store(node, _name(name)), place))
        after.append(_forget(place, name))
        return ast.copy_location(ast.Name(name, ast.Store()), node)

    def _store(self, target: Any, value: ast.expr) -> ast.expr:
        owner = self.visit(target.value)
        if isinstance(target, ast.Attribute):
            return _call(SET, value, owner, ast.Constant(self._mangled(target.attr)))
        return _call(SET_ITEM, value, owner, self._key(target.slice))

    def _counted(self, target: Any, place: ast.stmt, value: ast.expr) -> list[ast.stmt]:
        """`self.n = self.n + 1`, as if it were `self.n += 1`."""
        name = self._temporary()
        first = ast.copy_location(_assign(name, value), place)
        before, held, after = self._held(target, place, ADDED, ADDED_ITEM)
        held.ctx = ast.Store()
        stored = ast.copy_location(ast.Assign(targets=[held], value=_name(name)), place)
        return [first, *before, stored, *after, _forget(place, name)]

    def _held(
        self, target: Any, place: ast.AST, attribute: str, item: str
    ) -> tuple[list[ast.stmt], Any, list[ast.stmt]]:
        """The target with its object (and key) evaluated before, and what is to follow."""
        names = [holder := self._temporary()]
        before: list[ast.stmt] = [
            ast.copy_location(_assign(holder, self.visit(target.value)), place)
        ]
        target.value = _name(holder)
        if isinstance(target, ast.Attribute):
            hook = _call(attribute, _name(holder), ast.Constant(self._mangled(target.attr)))
        else:
            names.append(key := self._temporary())
            before.append(ast.copy_location(_assign(key, self._key(target.slice)), place))
            target.slice = _name(key)
            hook = _call(item, _name(holder), _name(key))
        return before, target, [_statement(hook, place), _forget(place, *names)]

    def _name_bound(self, name: str, place: ast.AST, *, added: bool = False) -> list[ast.stmt]:
        holder = self._holder(name)
        if holder is None:
            return []
        if added:
            return [_statement(_call(ADDED, holder, ast.Constant(name)), place)]
        return [_statement(_call(BOUND, holder, ast.Constant(name), _name(name)), place)]

    def _holder(self, name: str) -> ast.expr | None:
        """What holds a variable that other requests see: the module, or a function's cells."""
        function = self._function
        if function is None:
            return None
        owner = function.owner(name)
        if owner is None:
            return _name(MODULE) if name in self._changing else None
        if owner is not function and name in owner.shared:
            return _name(_CELLS_OF % owner.number)
        return None

    # Small things

    def _key(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Slice):
            ends = [
                self.visit(end) if end is not None else ast.Constant(None)
                for end in (node.lower, node.upper, node.step)
            ]
            return _at(ast.Call(_name("slice"), ends, []), node)
        if isinstance(node, ast.Tuple) and any(isinstance(e, ast.Slice) for e in node.elts):
            elements = [self._key(element) for element in node.elts]
            return _at(ast.Tuple(elements, ast.Load()), node)
        found: ast.expr = self.visit(node)
        return found

    def _mangled(self, name: str) -> str:
        """A private name as the compiler would have it in this class."""
        if name.startswith("__") and not name.endswith("__") and self._classes:
            owner = self._classes[-1].lstrip("_")
            if owner:
                return f"_{owner}{name}"
        return name

    def _is_builtin(self, name: str) -> bool:
        return self._function is not None and self._function.owner(name) is None

    def _temporary(self) -> str:
        self._count += 1
        return f"__holdfast_{self._count}__"


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


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(_name(name), list(arguments), [])


def _assign(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign(targets=[ast.Name(name, ast.Store())], value=value)


def _forget(place: ast.AST, *names: str) -> ast.stmt:
    """Nothing lives longer for having had a name for a moment."""
    return ast.copy_location(ast.Delete([ast.Name(name, ast.Del()) for name in names]), place)


def _statement(value: ast.expr, place: ast.AST) -> ast.stmt:
    return ast.copy_location(ast.Expr(ast.copy_location(value, place)), place)


def _at(node: _Node, place: ast.AST) -> _Node:
    return ast.copy_location(node, place)
