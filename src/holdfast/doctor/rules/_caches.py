"""Entries of CACHES, wherever they are written."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..file import File
from ..names import everything


def entries(file: File) -> Iterator[tuple[ast.Dict, str]]:
    """Dicts that name a cache's class, and that name."""
    text = file.source.text
    if "BACKEND" not in text or "cache" not in text:
        return
    constants = {
        target.id: statement.value.value
        for statement in file.tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    for node in everything(file.tree):
        if isinstance(node, ast.Dict):
            named = item(node, "BACKEND")
            if isinstance(named, ast.Name):
                name = constants.get(named.id, "")
            else:
                name = str(named.value) if isinstance(named, ast.Constant) else ""
            if "cache" in name.lower():
                yield node, name


def item(node: ast.Dict, wanted: str) -> ast.expr | None:
    """The value under a key."""
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and key.value == wanted:
            return value
    return None


def options(node: ast.Dict) -> Iterator[tuple[ast.Constant, ast.expr]]:
    """The keys and values in an entry's OPTIONS."""
    held = item(node, "OPTIONS")
    if isinstance(held, ast.Dict):
        for key, value in zip(held.keys, held.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key, value
