"""Which project the given places are of, and how its paths are shown."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ...doctor.configuration import common_folder


def surroundings(places: Sequence[Path], configuration: Path | None) -> tuple[Path, list[Path]]:
    """The project's folder, and what to read beside the places, so that calls can be followed.

    The project's folder is that of its configuration, else the nearest one at or above the places
    that has a manage.py, else the one that all places are in: then there is nothing beside them.
    """
    folder = common_folder(places).resolve()
    if configuration is not None and folder.is_relative_to(configuration.parent.resolve()):
        root = configuration.parent.resolve()
        return root, [root]
    for above in (folder, *folder.parents):
        if (above / "manage.py").is_file():
            return above, [above]
    return folder, []


class Shown:
    """Paths as they are shown: from the working directory on, absolute where they are elsewhere."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._here = Path.cwd().resolve()

    def path(self, name: str) -> str:
        """A path that was told from the root on."""
        path = self._root / name
        if path.is_relative_to(self._here):
            return path.relative_to(self._here).as_posix()
        return path.as_posix() if os.sep == "\\" else str(path)
