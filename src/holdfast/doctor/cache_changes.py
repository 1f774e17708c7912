"""What a function changes in Django's caches, and which of its names stand for one."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from .names import FunctionNode, walk

if TYPE_CHECKING:
    from .index import Names

_CHANGES = frozenset(
    {
        "set", "add", "delete", "set_many", "delete_many", "incr", "decr", "touch", "clear",
        "delete_pattern", "incr_version", "decr_version", "aset", "aadd", "adelete", "aset_many",
        "adelete_many", "aincr", "adecr", "atouch", "aclear", "aincr_version", "adecr_version",
    }
)  # fmt: skip
_FILLS = frozenset({"set", "add", "set_many", "touch"})
_CACHES = ("django.core.cache.cache", "django.core.cache.caches", "django.core.cache.get_cache")
#: How projects call their own function that picks one of Django's caches.
_MAKES_CACHE = frozenset({"get_cache", "get_cache_backend", "get_cache_storage", "_get_cache"})


def cache_changes(
    node: ast.AST,
    names: Names,
    function: FunctionNode | ast.Lambda,
    is_own: Callable[[str], bool] = lambda _: False,
) -> Iterator[ast.Call]:
    """Calls in *node* that write to, or delete from, one of Django's caches.

    Args:
        node: the function, or a part of it.
        names: what names stand for within it.
        function: the whole function, where its variables get their values.
        is_own: asked of what the file doesn't know as a cache, as `other_changes` names it.
    """
    changes = list(_calls_like_changes(node))
    if not changes:
        return
    variables = _cache_variables(function, names)
    for part, holder in changes:
        if is_cache(holder, names, variables) or is_own(_other(holder, names, function)):
            yield part


def makes_untrue(function: FunctionNode, names: Names) -> tuple[bool, list[str]]:
    """Whether the function changes a cache, other than to fill in what was not there.

    Returns:
        Whether it does so, and what else it changes in that way and may be a cache, if another
        file says so: a full name, `self.x`, or a full name with `()` for what that function gives.
    """
    known: set[str] = set()
    others: dict[str, set[str]] = {}
    variables: set[str] | None = None
    for part, holder in _calls_like_changes(function):
        variables = _cache_variables(function, names) if variables is None else variables
        assert isinstance(part.func, ast.Attribute)  # noqa: S101 - as it was chosen
        if is_cache(holder, names, variables):
            known.add(part.func.attr)
        elif other := _other(holder, names, function):
            others.setdefault(other, set()).add(part.func.attr)
    if not known and not others:
        return False, []
    looks = any(
        isinstance(part, ast.Call)
        and isinstance(part.func, ast.Attribute)
        and part.func.attr in {"get", "get_many", "has_key"}
        and "cache" in ast.unparse(part.func.value).lower()
        for part in walk(function)
    )
    found = [other for other, how in others.items() if not (how <= _FILLS and looks)]
    return bool(known) and not (known <= _FILLS and looks), found


def _calls_like_changes(node: ast.AST) -> Iterator[tuple[ast.Call, ast.expr]]:
    for part in walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            if part.func.attr in _CHANGES:
                yield part, part.func.value


def _cache_variables(function: FunctionNode | ast.Lambda, names: Names) -> set[str]:
    return {
        part.targets[0].id
        for part in walk(function)
        if isinstance(part, ast.Assign)
        and isinstance(part.targets[0], ast.Name)
        and is_cache(part.value, names, set())
    }


def _other(node: ast.expr, names: Names, function: FunctionNode | ast.Lambda) -> str:
    """What another file may know as a cache; nothing, if it can't be told."""
    if isinstance(node, ast.Name) and not names.of(node):
        values = [
            part.value
            for part in walk(function)
            if isinstance(part, ast.Assign)
            and isinstance(part.targets[0], ast.Name)
            and part.targets[0].id == node.id
        ]
        if len(values) != 1 or isinstance(values[0], ast.Name):
            return ""
        node = values[0]
    if isinstance(node, ast.Call):
        full = names.of(node.func)
        return f"{full}()" if "." in full else ""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if node.value.id in {"self", "cls"}:
            return f"self.{node.attr}"
    full = names.of(node)
    return full if "." in full else ""


def is_cache(node: ast.expr, names: Names, variables: set[str]) -> bool:
    """Whether it is one of Django's caches; *variables* are known to be such."""
    if isinstance(node, ast.Name) and node.id in variables:
        return True
    while isinstance(node, ast.Subscript | ast.Call):
        node = node.value if isinstance(node, ast.Subscript) else node.func
    full = names.of(node)
    if full in _CACHES:
        return True
    module, _, name = full.rpartition(".")
    if module == names.index.name:
        # The file's own name for one of them.
        return is_cache_of(names.index.assigned.get(name, ""))
    return False


def is_cache_of(kind: str) -> bool:
    """Whether what a name is bound to, as an index has it, is one of Django's caches."""
    value = kind.partition(":")[2]
    return value in _CACHES or value.rpartition(".")[2] in _MAKES_CACHE
