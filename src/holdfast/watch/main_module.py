"""The module that is run itself, rewritten too: `python app.py`, `python -m shop`.

It isn't imported, so no loader executes it. A script is found by a path hook instead, in the way by
which Python runs zipped programs: where the script's path has an importer, that gives the code. For
`python -m` the loader is asked for the code alone. Either way the code itself fetches its hooks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType
from typing import Any

from .hooks import Hooks
from .rewrite import compiled

_HAND_OVER = f"__import__({__name__!r}, fromlist=['']).hand_over(globals())"

_hooks: Hooks | None = None


def watch_main(wanted: Callable[[str, str], bool], hooks: Hooks) -> None:
    """Have the program's own module rewritten, if it is wanted. To be called before it begins.

    Args:
        wanted: whether a module is, by its name and its file.
        hooks: what the rewritten code calls.
    """
    global _hooks
    _hooks = hooks
    script = os.path.abspath(sys.argv[0]) if sys.argv else ""  # noqa: PTH100 - as Python does it
    if not script.endswith(".py") or not os.path.isfile(script) or not wanted("__main__", script):  # noqa: PTH113
        return

    def importer(path: str) -> _ScriptFinder:
        if os.path.abspath(path) != script:  # noqa: PTH100
            raise ImportError(path)
        sys.path_hooks.remove(importer)
        return _ScriptFinder(script)

    sys.path_hooks.append(importer)


def is_run_as_module() -> bool:
    """Whether `python -m` is about to run the module whose code it asks for."""
    return _hooks is not None and sys.argv[:1] == ["-m"]


def main_code(source: bytes, path: str) -> CodeType:
    """The rewritten module, which gets its hooks when it begins."""
    return compiled(source, path, _HAND_OVER)


def hand_over(namespace: dict[str, Any]) -> None:
    """Called by the module itself: what it needs from here on."""
    if _hooks is not None:
        _hooks.hand_over(sys.modules["__main__"])
    if isinstance(namespace["__loader__"], _ScriptLoader):
        # As for any script: reloaders and `multiprocessing` look at these.
        namespace["__spec__"] = namespace["__package__"] = None


class _ScriptFinder:
    """Finds one module: the script."""

    def __init__(self, path: str) -> None:
        self._path = path

    def find_spec(self, name: str, _target: object = None) -> ModuleSpec | None:
        """See `importlib.abc.PathEntryFinder`."""
        if name != "__main__":
            return None
        spec = ModuleSpec(name, _ScriptLoader(name, self._path), origin=self._path)
        spec.has_location = True
        return spec


class _ScriptLoader(SourceFileLoader):
    """Gives the script's code, and sets right what it would find otherwise."""

    def get_code(self, _fullname: str) -> CodeType:
        """See `importlib.abc.InspectLoader`."""
        if not os.path.isdir(sys.path[0]):  # noqa: PTH112 - the script itself, by now
            del sys.path[0]
            if not sys.flags.safe_path:
                sys.path.insert(0, os.path.dirname(os.path.realpath(self.path)))  # noqa: PTH120
        return main_code(self.get_data(self.path), self.path)
