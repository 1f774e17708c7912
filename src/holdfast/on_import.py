"""Acts on modules when they are imported, without importing them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Act = Callable[[ModuleType], object]


class _Acting(Loader):
    """The module's own loader, and what is to follow.

    What it doesn't know itself it leaves to that loader: resources, sources, code.
    """

    def __init__(self, loader: Any, acts: Sequence[Act]) -> None:
        self._loader = loader
        self._acts = acts

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        found: ModuleType | None = self._loader.create_module(spec)
        return found

    def exec_module(self, module: ModuleType) -> None:
        # From here on the module is as if we had not been there.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        for act in self._acts:
            act(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


class _Finder(MetaPathFinder):
    """Finds modules that somebody waits for, by means of the other finders."""

    def __init__(self) -> None:
        self.waiting: dict[str, list[Act]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        acts = self.waiting.pop(fullname, None)
        if acts is None:
            return None
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    spec.loader = _Acting(spec.loader, acts)
                return spec
        self.waiting[fullname] = acts
        return None


_finder = _Finder()


def on_import(name: str, act: Act) -> None:
    """Call *act* with the module *name* once it has been imported; at once, if it has been.

    Args:
        name: the full name, such as `django.core.handlers.wsgi`.
        act: called in the thread that imports it, right after its code has run.
    """
    module = sys.modules.get(name)
    if module is not None and not getattr(module.__spec__, "_initializing", False):
        act(module)
        return
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    _finder.waiting.setdefault(name, []).append(act)
