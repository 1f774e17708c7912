"""What a function does that matters beyond it: to what is around, and to its thread."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .names import FunctionNode, dotted, everything, walk
from .paths import NOTHING, SETS, TAKES_BACK, State, ends

if TYPE_CHECKING:
    from .index import Names

_MUTATORS = frozenset(
    {
        "add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem",
        "popleft", "push", "remove", "setdefault", "update",
    }
)  # fmt: skip


def writes(function: FunctionNode, names: Names) -> dict[str, list[str]]:
    """What the function writes onto that isn't its own.

    Returns:
        For each holder (a full name, or `self.x`): the names of attributes and of values that
        take part.
    """
    found: dict[str, list[str]] = {}
    free = {name for part in walk(function) if isinstance(part, ast.Global) for name in part.names}
    dead = _never_runs(function, names)

    def note(holder: ast.expr, attribute: str, value: ast.AST | None) -> None:
        full = holder_of(holder, names)
        if full:
            used = found.setdefault(full, [])
            if attribute:
                used.append(attribute)
            if value is not None:
                used += [part.id for part in everything(value) if isinstance(part, ast.Name)]

    for part in walk(function):
        if id(part) in dead:
            continue
        if isinstance(part, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Delete):
            targets = part.targets if isinstance(part, ast.Assign | ast.Delete) else [part.target]
            value = None if isinstance(part, ast.Delete) else part.value
            for target in targets:
                if isinstance(target, ast.Attribute):
                    note(target.value, target.attr, value)
                elif isinstance(target, ast.Subscript):
                    note(target.value, "", value)
                elif isinstance(target, ast.Name) and target.id in free:
                    note(target, "", value)
        elif isinstance(part, ast.Call):
            if isinstance(part.func, ast.Name) and part.func.id in {"setattr", "delattr"}:
                if len(part.args) > 1:
                    name = part.args[1]
                    said = str(name.value) if isinstance(name, ast.Constant) else ""
                    note(part.args[0], said, part.args[-1])
            elif isinstance(part.func, ast.Attribute) and part.func.attr in _MUTATORS:
                note(part.func.value, "", part.args[-1] if part.args else None)
    if found:
        made_from = _made_from(function)
        for used in found.values():
            for one in used:  # the list grows while it is gone through
                used += [source for source in made_from.get(one, ()) if source not in used]
    return found


def _made_from(function: FunctionNode) -> dict[str, list[str]]:
    """For each variable, the names that take part in what it is assigned."""
    found: dict[str, list[str]] = {}
    for part in walk(function):
        if isinstance(part, ast.Assign | ast.AnnAssign | ast.NamedExpr) and part.value is not None:
            targets = part.targets if isinstance(part, ast.Assign) else [part.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).extend(
                        one.id for one in everything(part.value) if isinstance(one, ast.Name)
                    )
    return found


def _never_runs(function: FunctionNode, names: Names) -> set[int]:
    """What stands under a switch of the module that is off."""
    return {
        id(part)
        for outer in walk(function)
        if isinstance(outer, ast.If)
        and isinstance(outer.test, ast.Name)
        and names.index.assigned.get(outer.test.id) == "constant:False"
        for statement in outer.body
        for part in walk(statement)
    }


#: Methods that empty what they are called on.
RELEASES = frozenset({"clear", "pop", "release", "__release_local__"})


def clears(function: FunctionNode, names: Names) -> list[str]:
    """Holders of which the function deletes an attribute or an item, or sets one to None.

    An empty container is nothing, too, unless something else is set beside it.
    """
    found: dict[str, None] = {}
    filled: set[str] = set()
    emptied: dict[str, None] = {}
    for part in walk(function):
        if isinstance(part, ast.Delete | ast.Assign):
            for target in part.targets:
                if not isinstance(target, ast.Attribute | ast.Subscript):
                    continue
                holder = holder_of(target.value, names)
                if isinstance(part, ast.Delete) or _is_none(part.value):
                    found[holder] = None
                elif is_empty(part.value):
                    emptied[holder] = None
                else:
                    filled.add(holder)
        elif isinstance(part, ast.Call):
            called = dotted(part.func)
            if part.args and (called == "delattr" or called.endswith("release_local")):
                found[holder_of(part.args[0], names)] = None
            elif isinstance(part.func, ast.Attribute) and part.func.attr in RELEASES:
                found[holder_of(part.func.value, names)] = None
    found.update((holder, None) for holder in emptied if holder not in filled)
    found.pop("", None)
    return list(found)


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def is_empty(value: ast.AST) -> bool:
    """Whether it is a container with nothing in it: `[]`, `dict()`."""
    if isinstance(value, ast.Call):
        called = dotted(value.func)
        return called in {"dict", "list", "set"} and not (value.args or value.keywords)
    return (isinstance(value, ast.List | ast.Tuple) and not value.elts) or (
        isinstance(value, ast.Dict) and not value.keys
    )


def holder_of(node: ast.expr, names: Names) -> str:
    """The full name of what is written onto; `self.x` and `cls.x` as `self.x`."""
    while True:
        if isinstance(node, ast.Subscript):
            node = node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"get", "setdefault"}
        ):
            node = node.func.value  # what is held under a key
        else:
            break
    if isinstance(node, ast.Name) and node.id in {"self", "cls"}:
        return "self"
    if isinstance(node, ast.Attribute) and node.attr == "__dict__":
        node = node.value
    if isinstance(node, ast.Attribute):
        owner = node.value
        if isinstance(owner, ast.Attribute) and owner.attr == "__class__":
            owner = owner.value
        if isinstance(owner, ast.Name) and owner.id in {"self", "cls"}:
            return f"self.{node.attr}"
    return names.of(node)


#: Calls that set one of the thread's settings, or take it back, and what.
ACTIVATES = {
    "django.utils.translation.activate": "the language",
    "django.utils.translation.deactivate": "the language",
    "django.utils.translation.deactivate_all": "the language",
    "django.utils.timezone.activate": "the time zone",
    "django.utils.timezone.deactivate": "the time zone",
}
_CURRENT = (
    "get_language",
    "get_current_timezone",
    "get_current_timezone_name",
    "get_default_timezone",
)


def activation(call: ast.AST, names: Names, function: FunctionNode) -> tuple[str, str]:
    """Which setting of the thread a call changes, and how; nothing, if it does no such thing."""
    if not isinstance(call, ast.Call):
        return "", NOTHING
    full = names.of(call.func)
    what = ACTIVATES.get(full, "")
    if not what:
        return "", NOTHING
    if not full.endswith(".activate"):
        return what, TAKES_BACK
    return what, TAKES_BACK if call.args and _as_before(call.args[0], function) else SETS


def _as_before(value: ast.expr, function: FunctionNode) -> bool:
    """Whether the value is what was set before, or what holds for all."""
    if isinstance(value, ast.Name):
        return any(
            isinstance(part, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == value.id for t in part.targets)
            and isinstance(part.value, ast.Call)
            and dotted(part.value.func).endswith(_CURRENT)
            for part in walk(function)
        )
    written = dotted(value.func if isinstance(value, ast.Call) else value)
    return written.endswith(
        ("settings.LANGUAGE_CODE", "settings.TIME_ZONE", "get_default_timezone")
    )


def activations(function: FunctionNode, names: Names) -> dict[str, str]:
    """Settings of the thread that the function changes.

    Returns:
        For each: `always`, if it is set or taken back on every way through the function,
        `sometimes`, or `back`, if it is only ever taken back.
    """
    found: dict[str, str] = {}
    for part in walk(function):
        what, how = activation(part, names, function)
        if not what:
            continue
        if how == TAKES_BACK and what not in found:
            found[what] = "back"
        elif how == SETS and found.get(what, "back") == "back":
            touched = ends(
                function.body,
                lambda node, what=what: (  # type: ignore[misc]
                    SETS if activation(node, names, function)[0] == what else NOTHING
                ),
                lambda _: False,
            )
            found[what] = "always" if touched.done == State(set=True) else "sometimes"
    return found


def held(function: FunctionNode, names: Names) -> Iterator[tuple[str, str]]:
    """`self.x = Something(...)`: the attribute, and the full name of what is called."""
    for part in walk(function):
        if isinstance(part, ast.Assign | ast.AnnAssign) and isinstance(part.value, ast.Call):
            for target in part.targets if isinstance(part, ast.Assign) else [part.target]:
                if (
                    isinstance(target, ast.Attribute)
                    and isinstance(target.value, ast.Name)
                    and target.value.id == "self"
                ):
                    called = names.of(part.value.func)
                    if called:
                        yield target.attr, called
