"""The watch, in the processes of a server that `holdfast watch` runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..on_import import on_import
from . import Watch
from .entering import enter_requests
from .reports import Reports
from .trouble import trouble
from .visits import count_visits


def start(settings: Mapping[str, Any]) -> None:
    """Watch what this process imports.

    Args:
        settings: `roots`: folders of the user's own code; `packages`: installed ones to watch as
            well; `reports`: the folder where all processes write what they find.
    """
    try:
        reports = Reports(Path(settings["reports"]))
    except OSError as error:
        trouble(f"process {os.getpid()} is not watched, as it can't report", error)
        return
    watch = Watch(
        [Path(root) for root in settings["roots"]],
        settings["packages"],
        told=reports.tell,
        rewrote=reports.count_module,
    )
    count_visits(reports.count_request)
    watch.start_with_main()
    enter_requests()
    on_import("django.conf", lambda module: _watch_middleware(watch, module.LazySettings))


def _watch_middleware(watch: Watch, lazy_settings: Any) -> None:
    """Watch installed packages whose middleware the project uses, once its settings are read."""
    original = lazy_settings._setup  # noqa: SLF001 - where Django reads the settings

    def setup(self: Any, name: str | None = None) -> None:
        original(self, name)
        for path in getattr(self, "MIDDLEWARE", None) or ():
            package = str(path).partition(".")[0]
            if package not in {"django", "holdfast"}:
                watch.wanted.packages.add(package)

    lazy_settings._setup = setup  # noqa: SLF001
