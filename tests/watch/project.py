"""A module that is watched, and requests that call its functions."""

import sys
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

from holdfast.scope.scope import Scope
from holdfast.watch import Crossing, Kind, Watch


class Project:
    """A module that is watched, and requests that call its functions."""

    def __init__(self, folder: Path) -> None:
        self.watch = Watch([folder])
        self._folder = folder
        self.module: Any = None

    def load(self, source: str) -> ModuleType:
        name = f"watched_{self._folder.name.replace('-', '_')}"
        (self._folder / f"{name}.py").write_text(dedent(source))
        sys.modules.pop(name, None)
        self.module = __import__(name)
        return self.module

    def kinds(self) -> list[Kind]:
        return [crossing.kind for crossing in self.watch.collector.found]

    def only(self) -> Crossing:
        (found,) = self.watch.collector.found
        return found


def within(scope: Scope, function: Any, *args: Any) -> Any:
    with scope.entered():
        return function(*args)
