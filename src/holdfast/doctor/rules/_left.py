"""What a middleware sets for a request, and what of it is still there for the next one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ..effects import RELEASES, activation, holder_of, is_empty
from ..file import Defined, DefinedClass, File
from ..lifetimes import is_application
from ..names import FunctionNode, dotted, everything, walk
from ..paths import NOTHING, SETS, SOMETIMES, TAKES_BACK, ends
from ..project import Function
from ._middleware import factories, middlewares

_BEFORE = ("process_request", "process_view", "__call__", "__acall__")
_LOCALS = frozenset(
    {
        "threading.local", "_threading_local.local", "_thread._local", "asgiref.local.Local",
        "werkzeug.local.Local",
    }
)  # fmt: skip
_VARIABLE = "contextvars.ContextVar"
_PUTS_ON = re.compile(r"push|append|enter|begin")
_TAKES_OFF = re.compile(r"pop|release|leave|exit|clear|reset")
_DEEPEST = 3


@dataclass(frozen=True, slots=True)
class Left:
    """Something that a request leaves behind: where it is set, in what, and when it is left."""

    node: ast.AST
    function: Defined
    what: str
    only_after_exception: bool


def left_behind(file: File) -> Iterator[tuple[str, Left]]:
    """What the middleware in the file leaves behind, with the name of each."""
    by_name = {function.name: function for function in file.functions}
    for class_ in middlewares(file):
        methods = {method.own_name: method for method in file.methods(class_)}
        if "__call__" in methods and not _calls_super(methods["__call__"].node):
            # Hooks that its own __call__ doesn't call are never run.
            live = _live(methods)
            methods = {name: method for name, method in methods.items() if name in live}
        before = [methods[name] for name in _BEFORE if name in methods]
        judge = _Judge(file, methods)
        for left in judge.judge(before):
            yield class_.name, left
        inherited = _inherited(file, class_)
        hooks = [methods[name] for name in _hooks(inherited) if name in methods]
        for left in judge.judge(hooks):
            if not judge.taken_back_around(inherited, left.what):
                yield class_.name, left
    for application in applications(file):
        for left in _Judge(file, {}).judge([application]):
            yield application.name, left
    for function, inner in factories(file):
        defined = by_name.get(f"{function.name}.{inner.name}")
        if defined is not None:
            for left in _Judge(file, {}).judge([defined]):
                yield function.name, left


def applications(file: File) -> list[Defined]:
    """WSGI and ASGI applications in the file: requests come to them first."""
    return [
        function
        for function in file.functions
        if (index := file.index.functions.get(function.name)) and is_application(index)
    ]


def _inherited(file: File, class_: DefinedClass) -> list[Function]:
    """What runs before the view and isn't the class's own."""
    found = [file.project.method(class_.full_name, name) for name in _BEFORE]
    return [one for one in found if one is not None and one.class_name != class_.full_name]


def _hooks(inherited: list[Function]) -> list[str]:
    """Methods of its own object to which inherited code gives the request before the view."""
    return [
        called[5:]
        for function in inherited
        for called, _, _ in function.index.hands_early
        if called.startswith("self.") and called.count(".") == 1
    ]


def _calls_super(node: FunctionNode) -> bool:
    return any(
        isinstance(part, ast.Call) and ast.unparse(part.func).startswith("super(")
        for part in walk(node)
    )


def _live(methods: dict[str, Defined]) -> set[str]:
    """Methods that `__call__` reaches, and those that Django calls whatever `__call__` does."""
    live: set[str] = set()
    todo: list[str] = [
        n for n in ("__call__", "__acall__", "process_view", "process_exception") if n in methods
    ]
    while todo:
        name = todo.pop()
        if name in live:
            continue
        live.add(name)
        todo += [
            part.attr
            for part in everything(methods[name].node)
            if isinstance(part, ast.Attribute) and part.attr in methods
        ]
    return live


class _Judge:
    """Looks at one middleware: its methods that run before the view, and those that run after."""

    def __init__(self, file: File, methods: dict[str, Defined]) -> None:
        self.file = file
        self.methods = methods
        self.known: dict[int, dict[str, str]] = {}
        self.summaries: dict[str, dict[str, str]] = {}
        #: What is put on top of what was there: it isn't overwritten by the next request.
        self.pushed: set[str] = set()

    def judge(self, before: list[Defined]) -> Iterator[Left]:
        seen: set[str] = set()
        for method in before:
            for what, (node, function) in self.sets(method, 0).items():
                if what in seen:
                    continue
                left = self.left(method, what)
                if left is not None:
                    seen.add(what)
                    yield Left(node, function, what, left)

    def left(self, method: Defined, what: str) -> bool | None:
        """Whether it is left behind after an exception only; None, if it isn't left at all."""

        def effect(node: ast.AST) -> str:
            return self.effects(method, node, 0).get(what, NOTHING)

        body = method.node.body
        if what in {"the language", "the time zone"} or self.kind(what) == "variable":
            touched = ends(
                _without_switches(body),
                lambda node: SETS if effect(node) in {SETS, TAKES_BACK} else NOTHING,
                _runs_the_view,
            )
            if not touched.done.clean and not touched.raises.clean:
                return None  # each request sets its own
        if self.file.project.canonical(what) in self.taken_back_by_receivers:
            return None
        found = ends(body, effect, _runs_the_view)
        if found.done.set:
            if not self.taken_back_by("process_response", what):
                return False
            grows = what in self.pushed and not self.taken_back_by("process_exception", what)
            return True if grows else None
        if found.raises.set and method.own_name not in {"process_request", "process_view"}:
            return None if self.taken_back_by("process_exception", what) else True
        return None

    @cached_property
    def taken_back_by_receivers(self) -> set[str]:
        """What is taken back at each request's begin or end, whoever set it."""
        project = self.file.project
        receivers = {
            receiver if "." in receiver else f"{module.name}.{receiver}"
            for module in project.all
            for signal, receiver in module.connected
            if signal.rpartition(".")[2] in {"request_started", "request_finished"}
        }
        own = [
            f"{method.class_name}.{receiver.partition('.')[2]}"
            for receiver in receivers
            if receiver.startswith("self.")
            for method in self.methods.values()
        ]
        found = set()
        for receiver in (*receivers, *own):
            owner, _, name = receiver.rpartition(".")
            function = project.function(receiver) or project.method(owner, name)
            if function is not None:
                summary = self.summary(function, 1)
                found |= {what for what, how in summary.items() if how == TAKES_BACK}
        return found

    def taken_back_around(self, inherited: list[Function], what: str) -> bool:
        """Whether another hook takes it back, or the inherited code that calls them."""
        return any(self.taken_back_by(hook, what) for hook in self.methods) or any(
            what in self.summary(function, _DEEPEST) for function in inherited
        )

    def taken_back_by(self, hook: str, what: str) -> bool:
        method = self.methods.get(hook)
        return method is not None and any(
            self.effects(method, part, 0).get(what) == TAKES_BACK for part in walk(method.node)
        )

    def sets(self, method: Defined, depth: int) -> dict[str, tuple[ast.AST, Defined]]:
        """What the method sets, itself or through others, and where that is written."""
        found: dict[str, tuple[ast.AST, Defined]] = {}
        for part in walk(method.node):
            for what, how in self.effects(method, part, depth).items():
                if how in {SETS, SOMETIMES} and what not in found:
                    found[what] = self.place(method, part, what, depth)
        return found

    def place(
        self, method: Defined, node: ast.AST, what: str, depth: int
    ) -> tuple[ast.AST, Defined]:
        """Where it is set: in this method, or in one of the same object that it calls."""
        inner = self.own_method(method, node)
        if inner is not None and depth < _DEEPEST:
            return self.sets(inner, depth + 1).get(what, (node, method))
        return node, method

    def own_method(self, method: Defined, node: ast.AST) -> Defined | None:
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == method.self_name
        ):
            return self.methods.get(node.func.attr)
        return None

    def effects(self, method: Defined, node: ast.AST, depth: int) -> dict[str, str]:
        """What a part of a method does to what is around it."""
        if not isinstance(node, ast.Call | ast.Assign | ast.Delete):
            return {}
        known = self.known.get(id(node))
        if known is None:
            self.known[id(node)] = {}  # methods that call each other end here
            known = self.known[id(node)] = self.effects_of(method, node, depth)
        return known

    def effects_of(self, method: Defined, node: ast.AST, depth: int) -> dict[str, str]:
        if isinstance(node, ast.Assign | ast.Delete):
            back = (
                isinstance(node, ast.Delete)
                or is_nothing(node.value)
                or self.is_what_was_before(method, node)
            )
            holders = {self.local_written(method, target) for target in node.targets} - {""}
            index = self.file.index.functions.get(method.name)
            if index is not None:
                lasting = [self.of_class(one, method.class_name) for one in index.lasting]
                holders -= {self.file.project.canonical(one) for one in lasting}
            return dict.fromkeys(holders, TAKES_BACK if back else SETS)
        assert isinstance(node, ast.Call)  # noqa: S101 - nothing else gets here
        what, how = activation(node, method.names, method.node)
        if what:
            return {what: how}
        found = self.on_local(method, node)
        if found:
            return found
        inner = self.own_method(method, node)
        if inner is not None and depth < _DEEPEST:
            return self.of_method(inner, depth + 1)
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        for callee in self.file.callees(method, node):
            for one, way in self.summary(callee, 1).items():
                back = all(map(is_nothing, given)) and (bool(given) or _is_given(callee, one))
                found.setdefault(one, TAKES_BACK if back else way)
        return found

    def is_what_was_before(self, method: Defined, node: ast.Assign) -> bool:
        """`local.user = old`, after `old = getattr(local, "user", None)`."""
        if not isinstance(node.value, ast.Name):
            return False
        holders = {self.local_written(method, target) for target in node.targets}
        return any(
            isinstance(part, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == node.value.id for t in part.targets)
            and any(
                isinstance(read, ast.Name | ast.Attribute)
                and self.local_of(method, read) in holders - {""}
                for read in everything(part.value)
            )
            for part in walk(method.node)
        )

    def of_method(self, method: Defined, depth: int) -> dict[str, str]:
        """What a method of the same object leaves behind it, seen from its caller."""
        touched = {what for part in walk(method.node) for what in self.effects(method, part, depth)}
        found = {}
        for what in touched:
            after = ends(
                method.node.body,
                lambda node, what=what: self.effects(method, node, depth).get(what, NOTHING),  # type: ignore[misc]
                _never,
            )
            if not after.done.set:
                found[what] = TAKES_BACK
            else:
                found[what] = SOMETIMES if after.done.clean else SETS
        return found

    def local_written(self, method: Defined, target: ast.expr) -> str:
        """The thread-local object that an attribute is written on; nothing, if it is none."""
        if not isinstance(target, ast.Attribute | ast.Subscript):
            return ""
        return self.local_of(method, target.value)

    def local_of(self, method: Defined, node: ast.expr) -> str:
        """The thread-local object that an expression is; nothing, if it is none."""
        held = self.of_class(holder_of(node, method.names), method.class_name)
        return self.file.project.canonical(held) if self.kind(held) == "local" else ""

    def on_local(self, method: Defined, call: ast.Call) -> dict[str, str]:
        """`local.clear()`, `setattr(local, ...)`, `variable.set(...)`, `variable.reset(...)`."""
        called = dotted(call.func).rpartition(".")[2]
        if called in {"setattr", "delattr", "release_local"} and call.args:
            held = self.of_class(holder_of(call.args[0], method.names), method.class_name)
            back = called != "setattr" or is_nothing(call.args[-1])
        elif isinstance(call.func, ast.Attribute):
            held = self.of_class(holder_of(call.func.value, method.names), method.class_name)
            if call.func.attr in RELEASES or call.func.attr == "reset":
                back = True
            elif call.func.attr == "set" and call.args:
                back = is_nothing(call.args[0])
            else:
                return {}
        else:
            return {}
        if not self.kind(held) and back:
            held = held.rpartition(".")[0]  # `local.found.clear()`
        if not self.kind(held):
            return {}
        return {self.file.project.canonical(held): TAKES_BACK if back else SETS}

    def of_class(self, holder: str, class_name: str) -> str:
        if holder.startswith("self.") and class_name:
            for ancestor in self.file.project.ancestors(class_name):
                if self.kind(f"{ancestor}.{holder[5:]}"):
                    return f"{ancestor}.{holder[5:]}"
        return holder

    def kind(self, full: str) -> str:
        """`local` or `variable`, if the name is bound to such an object; else nothing."""
        project = self.file.project
        full = project.canonical(full)
        owner, _, name = full.rpartition(".")
        module = project.modules.get(owner)
        value = module.assigned.get(name, "") if module is not None else ""
        if not value:
            found = project.class_(owner) if owner else None
            value = found[1].attributes.get(name, "") if found is not None else ""
        if not value.startswith("call:"):
            return ""
        made = project.canonical(value[5:])
        if made == _VARIABLE:
            return "variable"
        if made in _LOCALS or any(one in _LOCALS for one in project.ancestors(made)):
            return "local"
        return ""

    def summary(self, function: Function, depth: int) -> dict[str, str]:
        """What a function of the project does to what is around it, itself or through others."""
        known = self.summaries.get(function.full_name)
        if known is not None:
            return known
        found: dict[str, str] = {}
        self.summaries[function.full_name] = found
        index = function.index
        if any(decorator.endswith("contextmanager") for decorator in index.decorators):
            return found
        for what, how in index.activates.items():
            found[what] = {"back": TAKES_BACK, "always": SETS}.get(how, SOMETIMES)
        cleared = {self.of_class(one, function.class_name) for one in index.clears}
        for holder, values in index.writes.items():
            full = self.of_class(holder, function.class_name)
            if holder in index.lasting:
                continue
            if self.kind(full) == "local" and (values or full in cleared):
                found[self.file.project.canonical(full)] = TAKES_BACK if full in cleared else SETS
        for called in index.calls:
            variable, _, way = called.rpartition(".")
            if (
                way == "set"
                and variable.startswith("self.")
                and self.held_variable(function, variable)
            ):
                what = f"{function.class_name}.{variable[5:]}"
                name = index.name.rpartition(".")[2]
                found[what] = TAKES_BACK if _TAKES_OFF.match(name) else SETS
                if _PUTS_ON.match(name):
                    self.pushed.add(what)
            if way in {"set", "reset"} and self.kind(variable) == "variable":
                found[self.file.project.canonical(variable)] = SETS if way == "set" else TAKES_BACK
        if depth < _DEEPEST and not index.name.startswith(("get_", "_get")):
            for callee in self.file.project.called_by(function):
                for what, how in self.summary(callee, depth + 1).items():
                    found.setdefault(what, how)
        return found

    def held_variable(self, function: Function, variable: str) -> bool:
        """Whether `self.x` is a ContextVar that the class's `__init__` has made."""
        found = self.file.project.class_(function.class_name)
        return found is not None and found[1].holds.get(variable[5:]) == _VARIABLE


def is_nothing(value: ast.AST) -> bool:
    """`None`, and what stands for it."""
    return is_empty(value) or (isinstance(value, ast.Constant) and value.value in (None, "", False))


def _is_given(function: Function, holder: str) -> bool:
    """Whether a function writes what it is given, which is nothing where nothing is given."""
    own = {"self", "cls"}
    return any(
        set(function.index.parameters).difference(own).intersection(values)
        for written, values in function.index.writes.items()
        if written.rpartition(".")[2] == holder.rpartition(".")[2]
    )


def _never(_: ast.AST) -> bool:
    return False


def _runs_the_view(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    func = node.func
    return (func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")) in {
        "get_response",
        "process_view",
    }


def _without_switches(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements, with those in place that stand under a switch in the settings.

    Whether `settings.USE_TZ` is on is the same for all requests.
    """
    found: list[ast.stmt] = []
    for statement in body:
        if (
            isinstance(statement, ast.If)
            and not statement.orelse
            and ast.unparse(statement.test).startswith(("settings.", "getattr(settings"))
        ):
            found += _without_switches(statement.body)
        else:
            found.append(statement)
    return found
