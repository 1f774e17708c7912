"""The probe's observers, in the processes of the server: `start`. Standard library only.

Each observer is a module here with `install(settings)`, which waits by `on_import` for what it
observes, so that nothing is imported that the server wouldn't import. What it sees it writes by
`writing.write`, or `spans.note`. One that fails says so (`writing.trouble`), and the server goes
on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ...aboard.servers import Wrappers, follow
from ..change import Change
from . import entry, orders, places, process, requests, ticking, writing
from .settings import Settings

#: Always there.
ALWAYS = ("kept", "log_canaries", "routes", "counts")
#: What takes time, and so is left out with `observe: false`.
OBSERVING = (
    "layers",
    "threads",
    "loop",
    "sampling",
    "collector",
    "locks",
    "pools",
    "databases",
)
#: What makes a run different from the user's own.
CHANGING = ("changes", "capacity")


def start(settings: Mapping[str, Any]) -> None:
    """Begin to observe this process, and those that it forks.

    Args:
        settings: `folder`, `roots`, `run`, `markers`, `change`, `observe`: see `Settings`.
    """
    told = Settings.read(settings)
    writing.begin(told.folder)
    places.begin(told.roots)
    orders.begin(told.folder)
    ticking.every(ticking.SLOW, orders.look)
    ticking.every(ticking.SLOW, writing.flush_if_due)
    os.register_at_fork(after_in_child=_forked)
    requests.measured = told.observe
    process.begin()
    ticking.at_first_request(process.tell)
    follow(Wrappers(entry.wsgi, entry.asgi, entry.wsgi_method, entry.asgi_method), writing.trouble)
    changing = CHANGING if told.change != Change() else ()
    for name in (*ALWAYS, *(OBSERVING if told.observe else ()), *changing):
        _install(name, told)


def _install(name: str, settings: Settings) -> None:
    try:
        import_module(f".{name}", __name__).install(settings)
    except Exception as error:  # noqa: BLE001 - an observer may fail, the server may not
        writing.trouble(f"the observer of {name} is not aboard", error)


def _forked() -> None:
    writing.forget()
    ticking.forget()
    orders.forget()
    requests.forget()
    process.begin()
