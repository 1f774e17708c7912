"""What a test leaves behind: open scopes, and request data in globals."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType

from ..scope.scope import live_scopes
from ..watch.request_data import request_data_in
from ..watch.short_repr import short_repr


class Leftovers:
    """Compares what is there after a test with what was there before.

    Args:
        wanted: which modules are looked at, by name and file: the user's own.
    """

    def __init__(self, wanted: Callable[[str, str], bool]) -> None:
        self._wanted = wanted
        self._scopes = live_scopes()
        self._known = {place for place, _ in self._held()}

    def found(self) -> list[str]:
        """Sentences about what is there now and was not before."""
        found = []
        open_now = live_scopes() - self._scopes
        if open_now > 0:
            count = "a request scope" if open_now == 1 else f"{open_now} request scopes"
            found.append(
                f"{count} left open: close streamed responses, and leave open_scope() by `with`"
            )
        found += [
            f"request data left in {place}: {short_repr(value)}"
            for place, value in self._held()
            if place not in self._known
        ]
        return found

    def _held(self) -> Iterator[tuple[str, object]]:
        """Globals and class attributes of the user's modules that hold request data."""
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if type(module) is not ModuleType or not path or not self._wanted(name, path):
                continue
            for attribute, value in list(vars(module).items()):
                if attribute.startswith("__"):
                    continue
                if isinstance(value, type):
                    if value.__module__ == name:
                        yield from self._held_by_class(value)
                elif request_data_in(value) is not None:
                    yield f"{name}.{attribute}", value

    @staticmethod
    def _held_by_class(kind: type) -> Iterator[tuple[str, object]]:
        for attribute, value in list(vars(kind).items()):
            if not attribute.startswith("__") and request_data_in(value) is not None:
                yield f"{kind.__module__}.{kind.__qualname__}.{attribute}", value
