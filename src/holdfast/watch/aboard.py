"""The watch, in the processes of a server that `holdfast watch` runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..on_import import on_import
from . import Watch
from .crossings import Crossing
from .entering import enter_requests


def start(settings: Mapping[str, Any]) -> None:
    """Watch what this process imports.

    Args:
        settings: `roots`: folders of the user's own code; `packages`: installed ones to watch as
            well; `reports`: the folder where each process writes what it finds.
    """
    reports = Path(settings["reports"])
    watch = Watch(
        [Path(root) for root in settings["roots"]],
        settings["packages"],
        told=lambda crossing: write(reports, crossing),
    )
    watch.start_with_main()
    enter_requests()
    on_import("django.conf", lambda module: _watch_middleware(watch, module.LazySettings))


def write(reports: Path, crossing: Crossing) -> None:
    """Add it to the file of this process: a line of JSON, written at once."""
    line = json.dumps({"pid": os.getpid(), **crossing.as_dict()}, default=str) + "\n"
    file = os.open(reports / f"{os.getpid()}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode("utf-8", "backslashreplace"))
    finally:
        os.close(file)


def read(reports: Path) -> Iterator[dict[str, Any]]:
    """All that was written up to now. A line that is being written is left for the next time."""
    for file in sorted(reports.glob("*.jsonl")):
        text = file.read_text(encoding="utf-8")
        for line in text[: text.rfind("\n") + 1].splitlines():
            found: dict[str, Any] = json.loads(line)
            yield found


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
