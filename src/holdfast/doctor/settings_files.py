"""Settings as projects write them: in one module, in several, in classes, by several statements.

A module says something about a setting by assigning it, or a part of it (`CACHES["default"] = …`),
by `update`, or by importing all of another module's. What it says under a condition is known not to
be known, unless the condition is `DEBUG`: what holds for `DEBUG` is nobody's production.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .index import ModuleIndex, Names
    from .project import Project

_KEPT = re.compile(
    r"^(MIDDLEWARE|MIDDLEWARE_CLASSES|CACHES|SESSION_\w+|REST_FRAMEWORK|INSTALLED_APPS|DATABASES"
    r"|DEBUG|CHANNEL_LAYERS|[AW]SGI_APPLICATION|RATELIMIT_\w+|AXES_\w+|CACHE_\w+)$"
)
_DEBUGGING = re.compile(r"\b(DEBUG|TESTING|TEST|DEV|DEVELOPMENT|LOCAL|IS_TEST\w*)\b|\btest\b")
#: Parts of names of modules that only developers and tests use.
_DEVELOPMENT = frozenset(
    {
        "ci", "debug", "dev", "devel", "develop", "developer", "development", "docs", "e2e",
        "example", "examples", "local", "localhost", "mock", "sandbox", "test", "testapp",
        "testing", "tests", "testsettings", "unittest", "demo", "playground",
    }
)  # fmt: skip
_PRODUCTION = frozenset({"prod", "production", "live", "deploy", "deployment", "staging"})
_MOST_STEPS = 20


@dataclass(slots=True)
class Value:
    """What a setting, or a part of it, is set to.

    Attributes:
        kind: `dict`, `list`, `text`, `number`, `true`, `false`, `none`, `call` or `unknown`.
        line: where it is written.
        end_line: where that ends.
        text: a text or number as it is, or the full name of what is called.
        items: of a dict; the keyword arguments of a call.
        elements: of a list, as far as they are known.
        module: the module that says so.
    """

    kind: str
    line: int
    end_line: int
    text: str = ""
    items: dict[str, Value] = field(default_factory=dict)
    elements: list[Value] = field(default_factory=list)
    module: str = ""

    @property
    def number(self) -> float | None:
        """The number that it is, if it is one."""
        if self.kind != "number":
            return None
        try:
            return float(self.text)
        except ValueError:
            return None

    def texts(self) -> set[str]:
        """The texts in a list."""
        return {one.text for one in self.elements if one.kind == "text"}


@dataclass(slots=True)
class Said:
    """One statement: which setting, or part of one, is given which value.

    Attributes:
        path: the setting's name, and the keys to the part; `*` alone for the names of a module.
        value: what it is given.
        certain: whether that doesn't hang on a condition.
        extends: whether the value is added to what is there.
    """

    path: tuple[str, ...]
    value: Value
    certain: bool
    extends: bool = False


def said_in(body: list[ast.stmt], names: Names) -> list[Said]:
    """What the statements of a module, or of a class, say about settings."""
    return list(_Reader(names).read(body, certain=True))


class _Reader:
    def __init__(self, names: Names) -> None:
        self.names = names
        self.known: dict[str, Value] = {}

    def read(self, body: list[ast.stmt], *, certain: bool) -> Iterator[Said]:
        for statement in body:
            if isinstance(statement, ast.If):
                yield from self.branches(statement, certain=certain)
            elif isinstance(statement, ast.Try):
                yield from self.read(statement.body, certain=certain)
                for handler in statement.handlers:
                    yield from self.read(handler.body, certain=False)
                yield from self.read(statement.orelse, certain=certain)
            elif isinstance(statement, ast.With):
                yield from self.read(statement.body, certain=certain)
            else:
                yield from self.statement(statement, certain=certain)

    def branches(self, statement: ast.If, *, certain: bool) -> Iterator[Said]:
        test = statement.test
        denied = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        if not _DEBUGGING.search(ast.unparse(test)):
            yield from self.read(statement.body, certain=False)
            yield from self.read(statement.orelse, certain=False)
        elif denied:
            yield from self.read(statement.body, certain=certain)
        else:
            yield from self.read(statement.orelse, certain=certain)

    def statement(self, statement: ast.stmt, *, certain: bool) -> Iterator[Said]:
        if isinstance(statement, ast.ImportFrom):
            if any(alias.name == "*" for alias in statement.names):
                said = Value("unknown", statement.lineno, statement.lineno)
                said.text = _module_of(statement, self.names.index.package)
                yield Said(("*",), said, certain)
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from self.assignment(target, statement.value, certain=certain)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            yield from self.assignment(statement.target, statement.value, certain=certain)
        elif isinstance(statement, ast.AugAssign):
            yield from self.assignment(
                statement.target, statement.value, certain=certain, extends=True
            )
        elif (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Call)
            and isinstance(statement.value.func, ast.Attribute)
        ):
            yield from self.change(statement.value, statement.value.func, certain=certain)

    def assignment(
        self, target: ast.expr, value: ast.expr, *, certain: bool, extends: bool = False
    ) -> Iterator[Said]:
        path = _path(target)
        if not path:
            return
        if len(path) == 1 and isinstance(value, ast.Dict | ast.Call | ast.Constant):
            self.known[path[0]] = self.value(value)
        if _KEPT.match(path[0]):
            yield Said(path, self.value(value), certain, extends)

    def change(self, call: ast.Call, func: ast.Attribute, *, certain: bool) -> Iterator[Said]:
        """`CACHES.update(...)`, `INSTALLED_APPS.append(...)`."""
        path = _path(func.value)
        if not path or not _KEPT.match(path[0]):
            return
        if func.attr == "update":
            for argument in call.args:
                for key, value in self.value(argument).items.items():
                    yield Said((*path, key), value, certain)
            for keyword in call.keywords:
                if keyword.arg:
                    yield Said((*path, keyword.arg), self.value(keyword.value), certain)
        elif func.attr in {"append", "insert"} and call.args:
            one = self.value(call.args[-1])
            added = Value("list", one.line, one.end_line, elements=[one])
            yield Said(path, added, certain, extends=True)
        elif func.attr == "extend" and call.args:
            yield Said(path, self.value(call.args[0]), certain, extends=True)

    def value(self, node: ast.expr) -> Value:
        found = Value("unknown", node.lineno, node.end_lineno or node.lineno)
        found.module = self.names.index.name
        if isinstance(node, ast.Constant):
            self.constant(node, found)
        elif isinstance(node, ast.Dict):
            found.kind = "dict"
            for key, value in zip(node.keys, node.values, strict=True):
                if key is None:
                    found.items.update(self.value(value).items)
                elif isinstance(key, ast.Constant):
                    found.items[str(key.value)] = self.value(value)
        elif isinstance(node, ast.List | ast.Tuple | ast.Set):
            found.kind = "list"
            for element in node.elts:
                inner = element.value if isinstance(element, ast.Starred) else element
                one = self.value(inner)
                found.elements += one.elements if isinstance(element, ast.Starred) else [one]
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.BitOr):
            self.sum(node, found)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            self.product(node, found)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner_value = self.value(node.operand)
            if inner_value.kind == "number":
                found.kind, found.text = "number", f"-{inner_value.text}"
        elif isinstance(node, ast.Name) and node.id in self.known:
            known = self.known[node.id]
            found.kind, found.text = known.kind, known.text
            found.line, found.end_line = known.line, known.end_line
            found.items, found.elements = known.items, known.elements
        elif isinstance(node, ast.Call):
            self.call(node, found)
        return found

    def constant(self, node: ast.Constant, found: Value) -> None:
        if node.value is None:
            found.kind = "none"
        elif isinstance(node.value, bool):
            found.kind = "true" if node.value else "false"
        elif isinstance(node.value, int | float):
            found.kind, found.text = "number", str(node.value)
        elif isinstance(node.value, str):
            found.kind, found.text = "text", node.value

    def sum(self, node: ast.BinOp, found: Value) -> None:
        left, right = self.value(node.left), self.value(node.right)
        if left.kind == "dict" or right.kind == "dict":
            found.kind = "dict"
            found.items = {**left.items, **right.items}
        elif left.kind == "list" or right.kind == "list":
            found.kind = "list"
            found.elements = left.elements + right.elements

    def product(self, node: ast.BinOp, found: Value) -> None:
        left, right = self.value(node.left).number, self.value(node.right).number
        if left is not None and right is not None:
            found.kind, found.text = "number", str(left * right)

    def call(self, node: ast.Call, found: Value) -> None:
        found.kind, found.text = "call", self.names.of(node.func)
        found.items = {k.arg: self.value(k.value) for k in node.keywords if k.arg}
        found.elements = [self.value(argument) for argument in node.args]
        if found.text == "dict":
            found.kind = "dict"
        elif found.text in {"tuple", "list"} and found.elements:
            found.kind, found.elements = "list", found.elements[0].elements


def _path(node: ast.expr) -> tuple[str, ...]:
    """`CACHES["default"]["OPTIONS"]` as its parts; nothing, if it is something else."""
    keys: list[str] = []
    while isinstance(node, ast.Subscript):
        if not isinstance(node.slice, ast.Constant):
            return ()
        keys.append(str(node.slice.value))
        node = node.value
    return (node.id, *reversed(keys)) if isinstance(node, ast.Name) else ()


def _module_of(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    kept = parts[: len(parts) - node.level + 1]
    return ".".join([*kept, node.module] if node.module else kept)


def is_development(name: str) -> bool:
    """Whether a module's or a class's name says that only developers or tests use it."""
    words = {word for part in name.split(".") for word in _words(part)}
    return (
        bool(words & _DEVELOPMENT) or any(word.startswith("test") for word in words)
    ) and not words & _PRODUCTION


def is_production(name: str) -> bool:
    """Whether the last part of the name says that it is what runs for users."""
    return bool(set(_words(name.rpartition(".")[2])) & _PRODUCTION)


def _words(part: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", part)]


@dataclass(slots=True)
class Settings:
    """Settings as one module, or one class, leaves them.

    Attributes:
        name: its full name.
        values: what each setting is, with what it takes from others.
        complete: whether all it takes from is known.
        sources: the modules and classes that take part.
    """

    name: str
    values: dict[str, Value] = field(default_factory=dict)
    complete: bool = True
    sources: set[str] = field(default_factory=set)

    def get(self, *path: str) -> Value | None:
        """What is set at the path, if that is known."""
        value = self.values.get(path[0])
        for key in path[1:]:
            if value is None or value.kind not in {"dict", "call"}:
                return None
            value = value.items.get(key)
        return value


def all_settings(project: Project) -> list[Settings]:
    """The settings that a server may be started with: those that no other module builds on."""
    holders = {
        f"{module.name}.{owner}".rstrip("."): (module, owner)
        for module in project.all
        for owner in module.settings
    }
    found = {name: _evaluated(name, holders, project) for name in holders}
    built_on = {
        source
        for name, settings in found.items()
        if not is_development(name)
        for source in settings.sources
        if source != name
    }
    return [
        settings
        for name, settings in found.items()
        if name not in built_on and not is_development(name)
    ]


def _evaluated(
    name: str, holders: dict[str, tuple[ModuleIndex, str]], project: Project, depth: int = 0
) -> Settings:
    settings = Settings(name)
    module, owner = holders[name]
    settings.sources.add(name)
    if owner:
        for base in reversed(module.classes[owner].bases if owner in module.classes else []):
            _take(settings, project.canonical(base), holders, project, depth)
    for said in module.settings[owner]:
        if said.path == ("*",):
            _take(settings, said.value.text, holders, project, depth)
        else:
            _apply(settings.values, said)
    return settings


def _take(
    settings: Settings,
    name: str,
    holders: dict[str, tuple[ModuleIndex, str]],
    project: Project,
    depth: int,
) -> None:
    if name in holders and depth < _MOST_STEPS:
        taken = _evaluated(name, holders, project, depth + 1)
        settings.values.update(taken.values)
        settings.sources |= taken.sources
        settings.complete = settings.complete and taken.complete
    elif name not in project.modules and not name.startswith(("django.", "configurations.")):
        settings.complete = False


def _apply(values: dict[str, Value], said: Said) -> None:
    """Have a statement take effect; what was there before isn't changed, as others build on it."""
    first, *rest = said.path
    value = said.value
    if not said.certain:
        value = Value("unknown", value.line, value.end_line, module=value.module)
    old = values.get(first)
    if not rest:
        if said.extends and old is not None and old.kind == value.kind == "list":
            value = Value(
                "list",
                value.line,
                value.end_line,
                elements=old.elements + value.elements,
                module=value.module,
            )
        elif said.extends:
            return
        values[first] = value
        return
    if old is None or old.kind != "dict":
        return
    place = values[first] = _copied(old)
    for key in rest[:-1]:
        inner = place.items.get(key)
        if inner is None or inner.kind != "dict":
            return
        place.items[key] = inner = _copied(inner)
        place = inner
    if said.extends:
        return
    place.items[rest[-1]] = value


def _copied(value: Value) -> Value:
    return Value(
        value.kind, value.line, value.end_line, value.text, dict(value.items), [], value.module
    )
