"""Where a setting, or a class, stands in the source."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from functools import cache
from pathlib import Path
from typing import Any

from .seen import Place

_DEEPEST = 20


class Places:
    """Finds them.

    Args:
        settings: the module, such as `mysite.settings`.
        root: the project's folder: what stands outside of it is told by the setting that names it.
    """

    def __init__(self, settings: str, root: Path) -> None:
        self._settings = settings
        self._root = root.resolve()

    def setting(self, name: str, text: str = "") -> Place:
        """Where a setting is given its value; within it, where *text* stands.

        Args:
            name: of the setting.
            text: such as the name of a class, or a key.
        """
        module = self._module_that_sets(self._settings, name, 0) or self._settings
        file = _file(module)
        tree = _tree(file)
        line = 1
        for statement in tree.body if tree is not None else []:
            if name not in _assigned(statement):
                continue
            line = statement.lineno
            for part in ast.walk(statement):
                if text and isinstance(part, ast.Constant) and part.value == text:
                    line = part.lineno
        return Place(file, line)

    def of_class(self, factory: Any, setting: str, text: str) -> Place:
        """Where a class or function is defined, if that is in the project; else who names it."""
        try:
            file = inspect.getsourcefile(inspect.unwrap(factory))
            _, line = inspect.getsourcelines(inspect.unwrap(factory))
        except (OSError, TypeError):
            return self.setting(setting, text)
        if file is None or not self._is_own(Path(file)):
            return self.setting(setting, text)
        tree = _tree(file)
        name = getattr(factory, "__name__", "")
        for part in ast.walk(tree) if tree is not None else ():
            # As the doctor counts: from the name, not from the decorators above it.
            if isinstance(part, ast.ClassDef | ast.FunctionDef) and part.name == name:
                first = min([part.lineno, *(one.lineno for one in part.decorator_list)])
                if first == line:
                    return Place(file, part.lineno)
        return Place(file, line)

    def _is_own(self, file: Path) -> bool:
        file = file.resolve()
        return file.is_relative_to(self._root) and "site-packages" not in file.parts

    def _module_that_sets(self, module: str, name: str, depth: int) -> str:
        tree = _tree(_file(module))
        if tree is None or depth > _DEEPEST:
            return ""
        if any(name in _assigned(statement) for statement in tree.body):
            return module
        for statement in reversed(tree.body):
            if isinstance(statement, ast.ImportFrom) and any(
                alias.name in {"*", name} for alias in statement.names
            ):
                package = module if _is_package(module) else module.rpartition(".")[0]
                parts = package.split(".")
                kept = parts[: len(parts) - statement.level + 1] if statement.level else []
                source = ".".join([*kept, *filter(None, [statement.module])])
                found = self._module_that_sets(source, name, depth + 1)
                if found:
                    return found
        return ""


def _is_package(module: str) -> bool:
    return hasattr(sys.modules.get(module), "__path__")


def _file(module: str) -> str:
    found = sys.modules.get(module)
    if found is None:
        try:
            found = importlib.import_module(module)
        except Exception:  # noqa: BLE001 - whatever a module does that is not there
            return ""
    return str(getattr(found, "__file__", "") or "")


@cache
def _tree(file: str) -> ast.Module | None:
    if not file.endswith(".py"):
        return None
    try:
        return ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def _assigned(statement: ast.stmt) -> set[str]:
    """The settings that a statement gives a value, or adds to."""
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
        targets = [statement.target]
    elif isinstance(statement, ast.If | ast.Try | ast.With):
        return {
            name
            for one in ast.iter_child_nodes(statement)
            if isinstance(one, ast.stmt)
            for name in _assigned(one)
        }
    names = set()
    for target in targets:
        while isinstance(target, ast.Subscript):
            target = target.value  # noqa: PLW2901 - the next bracket
        if isinstance(target, ast.Name):
            names.add(target.id)
    return names
