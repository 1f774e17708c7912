"""What other files need to know of one: its names, classes and functions.

An index is plain data, so that it can be made by another process, and kept. It has no lines, but
for settings: what others need to know of a file stays the same when its functions only move.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from .before_view import handed_on
from .cache_changes import is_cache, makes_untrue
from .effects import activations, clears, held, writes
from .lasting import lasting
from .names import FunctionNode, bound_in, dotted, imported, parameters, statements, walk
from .settings_files import Said, said_in
from .sources import Source
from .waiting import waits_by_itself


@dataclass(slots=True)
class FunctionIndex:
    """One function or method.

    Attributes:
        name: within its module, such as `Middleware.__call__` or `outer.inner`.
        parameters: their names.
        is_async: `async def`.
        decorators: what stands behind each `@`, without arguments, as full names.
        calls: what it calls, as full names; `self.x` for methods of its own object, `.x` for a
            method of something that isn't known.
        changes_cache: whether it deletes from one of Django's caches, or writes to it, other than
            to keep what it looked for there and didn't find.
        changes: what else it changes in that way, and another file may know as a cache.
        activates: which of the thread's settings (language, time zone) it sets or takes back:
            `always`, `sometimes`, or `back`.
        hands_on: those of its calls that are given data of a request, going by its name.
        hands_early: what it gives a request to before the view runs: as in *calls*, its own
            parameter, and the number or the keyword there.
        gives: the function within it that it returns.
        waits: why a call of it makes a thread wait, going by what it does itself.
        returns: what it returns, if that is something it calls, as a full name.
        writes: what it writes onto that isn't its own, as full names (`self.x` for its object),
            and the names of the attributes and values that take part.
        clears: holders whose attributes it deletes or sets to None.
        lasting: those of `writes` where it only fills in what is missing and isn't of a request,
            or marks that it runs.
    """

    name: str
    parameters: list[str]
    is_async: bool
    decorators: list[str]
    calls: list[str] = field(default_factory=list)
    changes_cache: bool = False
    changes: list[str] = field(default_factory=list)
    writes: dict[str, list[str]] = field(default_factory=dict)
    clears: list[str] = field(default_factory=list)
    lasting: list[str] = field(default_factory=list)
    activates: dict[str, str] = field(default_factory=dict)
    hands_on: list[str] = field(default_factory=list)
    hands_early: list[tuple[str, str, str]] = field(default_factory=list)
    gives: str = ""
    waits: str = ""
    returns: str = ""


@dataclass(slots=True)
class ClassIndex:
    """One class.

    Attributes:
        name: within its module.
        bases: full names, as far as the file tells.
        attributes: what its body assigns: the literal, or `call:<full name>`, or `""`.
        methods: their names, and whether each is async.
        decorators: as for functions.
        holds: for attributes that `__init__` binds to something it calls: its full name.
    """

    name: str
    bases: list[str]
    metaclass: str
    attributes: dict[str, str]
    methods: dict[str, bool]
    decorators: list[str]
    holds: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Instance:
    """An object that is made where code runs at import: it lives as long as the process.

    Attributes:
        kind: the full name of its class.
        held_by: what it is bound to or passed to, as a full name.
    """

    kind: str
    held_by: str


@dataclass(slots=True)
class ModuleIndex:
    """One file.

    Attributes:
        name: of the module.
        names: what its top-level names stand for, as full names.
        assigned: what top-level names are bound to: the literal's kind, or `call:<full name>`.
        classes: by name.
        functions: by name, methods and inner functions included.
        instances: objects made at import.
        called_at_import: full names of functions that are called, or used as decorators, while
            the module is imported, or from `AppConfig.ready`.
        referred: full names that are passed on as values: callbacks, views in URLconfs, receivers.
    """

    path: str
    name: str
    is_package: bool
    names: dict[str, str] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    assigned: dict[str, str] = field(default_factory=dict)
    classes: dict[str, ClassIndex] = field(default_factory=dict)
    functions: dict[str, FunctionIndex] = field(default_factory=dict)
    instances: list[Instance] = field(default_factory=list)
    called_at_import: list[str] = field(default_factory=list)
    instantiated: dict[str, list[str]] = field(default_factory=dict)
    registered: dict[str, list[str]] = field(default_factory=dict)
    #: Receivers that are connected by a call, and the signal of each.
    connected: list[tuple[str, str]] = field(default_factory=list)
    #: What the module, under its empty name, and its classes say about settings.
    settings: dict[str, list[Said]] = field(default_factory=dict)

    @property
    def package(self) -> str:
        """The package that it is in."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    @property
    def is_test(self) -> bool:
        """Whether it holds tests, by its own name, its packages' and its folder's."""
        folder, _, file = self.path.replace("\\", "/").rpartition("/")
        within = [*self.package.split("."), folder.rpartition("/")[2], file]
        return is_test("/".join(within))


_SEVERAL = (ast.List, ast.Tuple, ast.Set)
_CONTAINERS = {
    ast.Dict: "dict",
    ast.DictComp: "dict",
    ast.List: "list",
    ast.ListComp: "list",
    ast.Set: "set",
    ast.SetComp: "set",
    ast.Constant: "constant",
    ast.Tuple: "constant",
}


class Names:
    """Full names for what is written in one place of a file."""

    def __init__(self, index: ModuleIndex, local: dict[str, str] | None = None) -> None:
        self.index = index
        self.local = local or {}
        self.hidden: set[str] = set()

    def of(self, node: ast.AST | None) -> str:
        """The full name, or nothing. A name that isn't known stands for itself (a builtin)."""
        written = dotted(node)
        if not written:
            return ""
        first, _, rest = written.partition(".")
        if first in self.local:
            full = self.local[first]
        elif first in self.hidden:
            return ""
        else:
            full = self.index.names.get(first, first)
        return f"{full}.{rest}" if rest else full

    def within(self, node: FunctionNode) -> Names:
        """The names as they are within a function."""
        inner = Names(self.index, dict(self.local))
        own = bound_in(node)
        inner.hidden = self.hidden | own
        for name in own:
            inner.local.pop(name, None)
        for found in walk(node):
            if isinstance(found, ast.Import | ast.ImportFrom):
                inner.local.update(imported(found, self.index.package))
        return inner


def kind_of(value: ast.AST | None, names: Names) -> str:
    """What an assigned value is: `dict`, `list`, `set`, `constant`, `call:<name>`, `name:<…>`."""
    if value is None:
        return ""
    if isinstance(value, ast.Call):
        called = names.of(value.func)
        return f"call:{called}" if called else "call:"
    kind = _CONTAINERS.get(type(value), "")
    if kind == "constant" and isinstance(value, ast.Constant):
        return f"constant:{value.value!r}"[:80]
    if isinstance(value, ast.Subscript):
        return f"item:{names.of(value.value)}"
    if not kind and isinstance(value, ast.Name | ast.Attribute):
        return f"name:{names.of(value)}"
    return kind


def index_of(source: Source, *, deep: bool = True) -> ModuleIndex:
    """The index of one file. It must have been parsed.

    Args:
        source: the file.
        deep: whether to look into its functions; of a library's their names are enough.
    """
    index = ModuleIndex(str(source.path), source.name, source.is_package)
    if source.tree is not None:
        _Indexer(index, deep=deep).module(source.tree)
    return index


class _Indexer:
    def __init__(self, index: ModuleIndex, *, deep: bool) -> None:
        self.index = index
        self.deep = deep
        #: The class whose method is read, and what loops there go through.
        self.owner = ""
        self.loops: dict[str, list[ast.expr]] = {}

    def module(self, tree: ast.Module) -> None:
        index = self.index
        top = list(statements(tree.body))
        for statement in top:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                for name, full in imported(statement, index.package):
                    if name == "*":
                        index.stars.append(full[:-2])
                    elif index.names.get(name, full) == full or name not in index.names:
                        # `try: import a ... except ImportError: import b`: the first one.
                        index.names[name] = full
            elif isinstance(statement, FunctionNode | ast.ClassDef):
                index.names[statement.name] = f"{index.name}.{statement.name}"
            else:
                for target in _targets(statement):
                    if isinstance(target, ast.Name):
                        index.names.setdefault(target.id, f"{index.name}.{target.id}")
        names = Names(index)
        self.loops = _loops(top)
        self.settings(tree.body, "", names)
        for statement in top:
            if isinstance(statement, FunctionNode):
                self.function(statement, "", names)
            elif isinstance(statement, ast.ClassDef):
                self.class_(statement, "", names)
            elif not isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While):
                self.at_import(statement, names)
                for target in _targets(statement):
                    if isinstance(target, ast.Name):
                        kind = kind_of(getattr(statement, "value", None), names)
                        if index.assigned.get(target.id, "constant:None") in {"constant:None", ""}:
                            index.assigned[target.id] = kind

    def settings(self, body: list[ast.stmt], owner: str, names: Names) -> None:
        if not self.deep:
            return
        said = said_in(body, names)
        if any(one.path != ("*",) for one in said) or (said and "settings" in self.index.name):
            self.index.settings[owner] = said

    def class_(self, node: ast.ClassDef, within: str, names: Names) -> None:
        index = self.index
        name = f"{within}{node.name}"
        metaclass = next((names.of(k.value) for k in node.keywords if k.arg == "metaclass"), "")
        found = ClassIndex(
            name,
            [names.of(_unsubscripted(base)) for base in node.bases],
            metaclass,
            {},
            {},
            [self.decorator(decorator, names) for decorator in node.decorator_list],
        )
        index.classes[name] = found
        if not within:
            self.settings(node.body, name, names)
        for decorator, full in zip(node.decorator_list, found.decorators, strict=True):
            index.called_at_import.append(full)
            if isinstance(decorator, ast.Call):
                for argument in decorator.args:
                    index.registered.setdefault(full, []).append(names.of(argument))
            index.registered.setdefault(full, []).append(f"{index.name}.{name}")
        for statement in statements(node.body):
            if isinstance(statement, FunctionNode):
                found.methods[statement.name] = isinstance(statement, ast.AsyncFunctionDef)
                self.function(statement, f"{name}.", names)
            elif isinstance(statement, ast.ClassDef):
                self.class_(statement, f"{name}.", names)
            else:
                self.at_import(statement, names, holder=f"{index.name}.{name}")
                for target in _targets(statement):
                    if isinstance(target, ast.Name):
                        found.attributes[target.id] = kind_of(
                            getattr(statement, "value", None), names
                        )

    def function(self, node: FunctionNode, within: str, names: Names) -> None:
        index = self.index
        name = f"{within}{node.name}"
        found = FunctionIndex(
            name,
            parameters(node),
            isinstance(node, ast.AsyncFunctionDef),
            [self.decorator(decorator, names) for decorator in node.decorator_list],
        )
        index.functions[name] = found
        for decorator, full in zip(node.decorator_list, found.decorators, strict=True):
            index.called_at_import.append(full)
            index.registered.setdefault(full, []).append(f"{index.name}.{name}")
            if isinstance(decorator, ast.Call):
                if full.endswith("receiver"):
                    for argument in decorator.args[:1]:
                        listed = argument.elts if isinstance(argument, _SEVERAL) else [argument]
                        index.connected += [
                            (names.of(signal), f"{index.name}.{name}") for signal in listed
                        ]
                for argument in decorator.args:
                    index.registered.setdefault(full, []).append(names.of(argument))
        if self.deep:
            around = self.owner, self.loops
            owner = within.removesuffix(".")
            self.owner = owner if owner in index.classes else self.owner
            self.loops = {**self.loops, **_loops(walk(node))}
            self.inside(node, found, names.within(node))
            self.owner, self.loops = around

    def inside(self, node: FunctionNode, found: FunctionIndex, inner: Names) -> None:
        """What the function does."""
        index = self.index
        calls: dict[str, None] = {}
        for part in walk(node):
            if isinstance(part, ast.Call):
                self.call(part, calls, inner)
                if gives_request_data(part):
                    found.hands_on.append(called_as(part.func, inner))
            elif part is not node and isinstance(part, FunctionNode):
                self.function(part, f"{found.name}.", inner)
            elif part is not node and isinstance(part, ast.ClassDef):
                self.class_(part, f"{found.name}.", inner)
        found.calls = list(calls)
        found.writes = writes(node, inner)
        found.clears = clears(node, inner)
        found.lasting = lasting(node, inner, found.writes) if found.writes else []
        found.activates = activations(node, inner)
        found.returns = next(
            (
                "django.core.cache.caches"
                if is_cache(part.value, inner, set())
                else inner.of(part.value.func if isinstance(part.value, ast.Call) else None)
                for part in walk(node)
                if isinstance(part, ast.Return)
                and isinstance(part.value, ast.Call | ast.Subscript | ast.Name)
            ),
            "",
        )
        owner, _, name = found.name.rpartition(".")
        if name == "__init__" and owner in index.classes:
            index.classes[owner].holds.update(held(node, inner))
        found.changes_cache, found.changes = makes_untrue(node, inner)
        found.waits = waits_by_itself(node, inner)
        found.hands_early = [
            (called, given, place)
            for call, given, place in handed_on(node)
            if (called := called_as(call.func, inner))
        ]
        found.gives = next(
            (
                part.value.id
                for part in walk(node)
                if isinstance(part, ast.Return)
                and isinstance(part.value, ast.Name)
                and f"{found.name}.{part.value.id}" in index.functions
            ),
            "",
        )
        for called in calls:
            index.instantiated.setdefault(called, []).append(found.name)

    def call(self, call: ast.Call, calls: dict[str, None], names: Names) -> None:
        """What is called, and what is passed on to be called."""
        called = names.of(call.func)
        self.connection(call, called, names)
        if called:
            calls[called] = None
        elif isinstance(call.func, ast.Attribute):
            calls[method_call(call.func, names)] = None
        for argument in (*call.args, *(k.value for k in call.keywords)):
            referred = names.of(argument)
            if referred and "." in referred:
                calls[referred] = None

    def connection(self, call: ast.Call, called: str, names: Names) -> None:
        """`signal.connect(receiver)`, also where the signal is gone through in a loop."""
        if not isinstance(call.func, ast.Attribute) or call.func.attr != "connect":
            return
        given = next((k.value for k in call.keywords if k.arg == "receiver"), None)
        receiver = call.args[0] if call.args else given
        named = names.of(receiver) or dotted(receiver)
        if not named:
            return
        signal = call.func.value
        if isinstance(signal, ast.Name) and signal.id in self.loops:
            signals = [names.of(one) for one in self.loops[signal.id]]
        else:
            signals = [called.removesuffix(".connect")] if called else []
        self.index.connected += [(one, named) for one in signals if one]
        if self.owner and named.startswith("self."):
            full = f"{self.index.name}.{self.owner}.{named[5:]}"
            self.index.connected += [(one, full) for one in signals if one]

    def decorator(self, node: ast.expr, names: Names) -> str:
        return names.of(node.func if isinstance(node, ast.Call) else node)

    def at_import(self, statement: ast.stmt, names: Names, holder: str = "") -> None:
        index = self.index
        for part in walk(statement):
            if not isinstance(part, ast.Call):
                continue
            called = names.of(part.func)
            if not called:
                continue
            self.connection(part, called, names)
            index.called_at_import.append(called)
            target = next(
                (
                    f"{holder or index.name}.{t.id}"
                    for t in _targets(statement)
                    if isinstance(t, ast.Name)
                ),
                holder or index.name,
            )
            index.instances.append(Instance(called, target))
            for argument in (*part.args, *(keyword.value for keyword in part.keywords)):
                passed = names.of(argument)
                if passed and "." in passed:
                    index.registered.setdefault(called, []).append(passed)


#: How code calls what belongs to one request.
REQUEST_DATA = frozenset(
    {
        "_request", "_user", "current_user", "http_request", "req", "request", "tenant", "user",
    }
)  # fmt: skip


def gives_request_data(call: ast.Call) -> bool:
    """Whether a call passes on something that is called as data of a request is."""
    for argument in call.args:
        name = argument.attr if isinstance(argument, ast.Attribute) else getattr(argument, "id", "")
        if name in REQUEST_DATA:
            return True
    return any(keyword.arg in REQUEST_DATA for keyword in call.keywords)


def called_as(func: ast.expr, names: Names) -> str:
    """What is called, as in `FunctionIndex.calls`."""
    called = names.of(func)
    if not called and isinstance(func, ast.Attribute):
        return method_call(func, names)
    return called


def is_test(path: str) -> bool:
    """Whether the file holds tests, by its name."""
    parts = path.replace("\\", "/").split("/")
    return (
        any(part in {"tests", "test", "testing"} for part in parts[:-1])
        or parts[-1].startswith("test_")
        or parts[-1] in {"tests.py", "conftest.py"}
    )


def method_call(node: ast.Attribute, names: Names) -> str:
    """`self.x`, `cls.x` and `self.a.x` as they are, `super().x` as `super.x`, others as `.x`."""
    if isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}:
        return f"self.{node.attr}"
    if (
        isinstance(node.value, ast.Attribute)
        and isinstance(node.value.value, ast.Name)
        and node.value.value.id in {"self", "cls"}
    ):
        return f"self.{node.value.attr}.{node.attr}"
    if isinstance(node.value, ast.Call) and dotted(node.value.func) == "super":
        return f"super.{node.attr}"
    return f".{node.attr}"


def _loops(parts: Iterable[ast.AST]) -> dict[str, list[ast.expr]]:
    """For each variable of a loop over what is written there: what it goes through."""
    return {
        part.target.id: part.iter.elts
        for part in parts
        if isinstance(part, ast.For)
        and isinstance(part.target, ast.Name)
        and isinstance(part.iter, _SEVERAL)
    }


def _targets(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return [
            part
            for target in statement.targets
            for part in (target.elts if isinstance(target, ast.Tuple) else [target])
        ]
    if isinstance(statement, ast.AnnAssign | ast.AugAssign):
        return [statement.target]
    return []


def _unsubscripted(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Subscript) else node
