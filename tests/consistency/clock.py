"""A wall clock that can be set an hour forward and back, for any process: see clock.c."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from struct import Struct

SOURCE = Path(__file__).with_name("clock.c")
_SECONDS = Struct("q")


class Clock:
    """What time some processes take it to be.

    Attributes:
        environment: what such a process must be started with; empty where there is no C compiler.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._file = folder / f"{name}.clock"
        self._file.write_bytes(_SECONDS.pack(0))
        self._file.chmod(0o644)
        library = _library(folder)
        self.environment = (
            {"LD_PRELOAD": str(library), "CONSISTENCY_CLOCK": str(self._file)} if library else {}
        )

    def set(self) -> None:
        """An hour ahead; if it is, an hour behind; if it is that, right again."""
        (ahead,) = _SECONDS.unpack(self._file.read_bytes())
        following = {0: 3600, 3600: -3600, -3600: 0}[ahead]
        with self._file.open("r+b") as file:
            file.write(_SECONDS.pack(following))


def _library(folder: Path) -> Path | None:
    made = folder / "clock.so"
    if not made.exists():
        compiler = shutil.which("cc")
        if compiler is None or not sys.platform.startswith("linux"):
            return None
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", made, SOURCE]
        if subprocess.run(command, check=False).returncode:
            return None
    return made


def restart_with(clock: Clock, *command: str) -> None:
    """Have this very process begin anew, with this clock."""
    if clock.environment:
        os.execve(sys.executable, [sys.executable, *command], {**os.environ, **clock.environment})  # noqa: S606
