"""The request sanitizer: who wrote and who read, in which request.

As a thread sanitizer, with requests in place of threads. Modules of the user's own code, and of
packages that are named, are rewritten on import, so that they tell what they write and read; what
one request reads of another is reported with both requests and both stacks.

`holdfast watch -- <server command>` and the pytest plugin (`--holdfast-watch`) do this for you.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FunctionType, ModuleType

from .crossings import Access, Collector, Crossing, Kind
from .hooks import hooks
from .loading import Wanted, WatchedFinder, install, remove
from .main_module import watch_main
from .shadow import Shadow
from .signals import leave_signals, watch_signals
from .syntax import HOOKS
from .visits import Visit

__all__ = ["Access", "Collector", "Crossing", "Kind", "Watch"]


class Watch:
    """Watches what is imported from now on.

    Args:
        roots: folders of the user's own code; default: the current one.
        packages: installed packages to watch as well, by the names one imports.
        told: called with each new `Crossing`, in the request that read.
        wrote: called when a request has written onto something.
        rewrote: called whenever a module is loaded rewritten.

    Each attribute that watched code reads costs some 0.3 to 0.5 µs, each that it writes 5 to 10 µs
    (in a loop, on a busy machine). Blocks nowhere.
    """

    def __init__(
        self,
        roots: Sequence[Path] | None = None,
        packages: Sequence[str] = (),
        told: Callable[[Crossing], object] | None = None,
        wrote: Callable[[Visit], object] | None = None,
        rewrote: Callable[[], object] | None = None,
    ) -> None:
        self.collector = Collector(told)
        self.shadow = Shadow(self.collector, wrote)
        self.wanted = Wanted([Path.cwd()] if roots is None else roots, packages)
        self._hooks = hooks(self.shadow, rewrote)
        self._finder = WatchedFinder(self.wanted, self._hooks)

    def start(self) -> None:
        """Have modules rewritten that are imported from now on."""
        install(self._finder)
        watch_signals(self.shadow)

    def start_with_main(self) -> None:
        """As `start`, and also the program's own module, which has not begun yet."""
        self.start()
        watch_main(self.wanted, self._hooks)

    def unseen(self) -> list[str]:
        """Modules with code that is to be watched, and was loaded as it is: before the start."""
        return sorted(
            name
            for name, module in list(sys.modules.items())
            if type(module) is ModuleType
            and HOOKS not in vars(module)
            and str(path := vars(module).get("__file__")).endswith(".py")
            and self.wanted(name, str(path))
            and _has_code(module)
        )

    def stop(self) -> None:
        """Rewrite no more. Modules that are loaded go on telling."""
        remove(self._finder)
        leave_signals(self.shadow)


def _has_code(module: ModuleType) -> bool:
    """Whether functions or classes are defined there: not in a module of settings, for example."""
    return any(
        (type(value) is FunctionType or issubclass(type(value), type))
        and value.__module__ == module.__name__
        for value in list(vars(module).values())
    )
