"""Loads the modules that are to be watched, rewritten.

A finder at the front of `sys.meta_path` asks the usual one, and gives modules that are wanted to a
loader of its own. Nothing is written to `__pycache__`, and no compiled file of there is used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from .hooks import Hooks
from .main_module import is_run_as_module, main_code
from .rewrite import compiled


class WatchedLoader(SourceFileLoader):
    """Compiles the rewritten source, and hands the module what it calls.

    Args:
        name: of the module.
        path: of its source.
        hooks: what the rewritten code calls.
    """

    def __init__(self, name: str, path: str, hooks: Hooks) -> None:
        super().__init__(name, path)
        self._hooks = hooks

    def get_code(self, fullname: str) -> CodeType | None:
        """See `importlib.abc.InspectLoader`: plain, for whoever asks but `python -m`."""
        if is_run_as_module():
            path = self.get_filename(fullname)
            return main_code(self.get_data(path), path)
        return super().get_code(fullname)

    def exec_module(self, module: ModuleType) -> None:
        """See `importlib.abc.Loader`."""
        path = self.get_filename(module.__name__)
        code = compiled(self.get_data(path), path)
        self._hooks.hand_over(module)
        exec(code, vars(module))  # noqa: S102 - the module's own


class WatchedFinder(MetaPathFinder):
    """Finds modules as usual, and has those that are wanted loaded rewritten.

    Args:
        wanted: whether a module is, by its name and its file.
        hooks: what the rewritten code calls.
    """

    def __init__(self, wanted: Callable[[str, str], bool], hooks: Hooks) -> None:
        self._wanted = wanted
        self._hooks = hooks

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`."""
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or type(spec.loader) is not SourceFileLoader or spec.origin is None:
            return None
        if not self._wanted(fullname, spec.origin):
            return None
        spec.loader = WatchedLoader(fullname, spec.loader.path, self._hooks)
        return spec


#: Tests run around requests, not in them; and pytest rewrites them itself.
TESTS = ("conftest.py", "tests.py", "test_*.py", "*_test.py")


class Wanted:
    """Which modules are watched: those under some folders, and those of some packages.

    Args:
        roots: folders of the user's own code; what is installed under them (`site-packages`) and
            what begins with a dot isn't part of it.
        packages: installed packages, by the name that one imports.

    Attributes:
        tests: patterns of files under the roots that aren't watched.
    """

    def __init__(self, roots: Sequence[Path], packages: Sequence[str] = ()) -> None:
        self._roots = [root.resolve() for root in roots]
        self.packages = set(packages)
        self.tests = set(TESTS)

    def __call__(self, name: str, path: str) -> bool:
        """Whether the module is to be watched."""
        if name.partition(".")[0] == "holdfast":
            return False
        if any(name == package or name.startswith(f"{package}.") for package in self.packages):
            return True
        file = Path(path)
        if "site-packages" in file.parts or "dist-packages" in file.parts:
            return False
        for root in self._roots:
            try:
                inside = file.resolve().relative_to(root)
            except ValueError:
                continue
            if not any(part.startswith(".") for part in inside.parts):
                return not any(inside.match(pattern) for pattern in self.tests)
        return False


def install(finder: WatchedFinder) -> None:
    """Put the finder before all others."""
    sys.meta_path.insert(0, finder)


def remove(finder: WatchedFinder) -> None:
    """Take it away; modules that are loaded stay as they are."""
    if finder in sys.meta_path:
        sys.meta_path.remove(finder)
