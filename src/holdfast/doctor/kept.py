"""What an earlier run found out, so that the next one reads only what has changed.

For each project there are two files in a private folder: what each file says to others, and what
was found in it. Both are replaced as a whole, so that several runs at once can't mix them, and are
believed only if their checksum is right and the very same doctor and Python wrote them. Nothing in
them is executed: only records of the doctor's own can be made of what is read.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import os
import pickle
import platform
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from .reader import Judged

_PACKAGE = __name__.rpartition(".")[0]
#: Old files are removed until no more than this is left.
LARGEST_BYTES = 512 * 1024 * 1024
_DIGEST = hashlib.sha256().digest_size


@dataclass(slots=True)
class Results:
    """What was found in a project.

    Attributes:
        stamps: of all files, by their names.
        facts: what all files together said to each other, as a digest.
        libraries: modules of installed packages that were looked for, and the state of each.
        judged: what was found in each file, given those facts.
        problems: of files that can't be parsed.
        lines: how many each file has.
    """

    stamps: dict[str, str] = field(default_factory=dict)
    facts: str = ""
    libraries: dict[str, str] = field(default_factory=dict)
    judged: dict[str, Judged] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


class Kept:
    """What is kept of one project.

    Args:
        folder: where; default: the user's cache folder.
        root: the project's.

    Where the folder can't be used (it can't be written, or others may write there), nothing is
    kept, and nothing is said: the doctor is slower then, and finds the same.
    """

    def __init__(self, root: Path, folder: Path | None = None) -> None:
        self._root = root
        self._wanted = default_folder() if folder is None else folder
        self._folder: Path | None = None

    def results(self) -> Results | None:
        """What was found; None, if that isn't known."""
        found = self._read("found")
        return found if isinstance(found, Results) else None

    def indexes(self) -> dict[str, tuple[str, bytes]]:
        """By the names of files: the stamp, and the pickled index."""
        found = self._read("said")
        return found if isinstance(found, dict) else {}  # what is in there is looked at when used

    def keep(self, results: Results, indexes: dict[str, tuple[str, bytes]] | None) -> None:
        """Keep both; *indexes* is None if they are as they were."""
        folder = self._usable()
        if folder is None:
            return
        with contextlib.suppress(OSError):
            if indexes is not None:
                _replace(folder / self._name("said"), pickle.dumps(indexes, protocol=5))
            _replace(folder / self._name("found"), pickle.dumps(results, protocol=5))
            _make_room(folder)

    def _read(self, what: str) -> Any:
        folder = self._usable()
        if folder is None:
            return None
        path = folder / self._name(what)
        try:
            data = path.read_bytes()
            os.utime(path)  # the file that nobody reads any more is the first to be removed
        except OSError:
            return None
        body = memoryview(data)[_DIGEST:]
        if hashlib.sha256(body).digest() != data[:_DIGEST]:
            return None
        try:
            return records(bytes(body))
        except Exception:  # noqa: BLE001 - whatever is wrong with it, it is of no use
            return None

    def _name(self, what: str) -> str:
        """A name of a file, for this project as this doctor sees it."""
        key = "\0".join((engine(), str(self._root)))
        return f"{hashlib.sha256(os.fsencode(key)).hexdigest()[:32]}.{what}"

    def _usable(self) -> Path | None:
        """The folder, if it is there and private."""
        if self._folder is None:
            with contextlib.suppress(OSError):
                self._wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
                if _is_private(self._wanted):
                    self._folder = self._wanted
        return self._folder


def default_folder() -> Path:
    """Where this system's users have their caches, and in there a folder of ours."""
    if sys.platform == "win32":
        given = os.environ.get("LOCALAPPDATA")
        above = Path(given) if given else Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        above = Path.home() / "Library" / "Caches"
    else:
        given = os.environ.get("XDG_CACHE_HOME")
        above = Path(given) if given and Path(given).is_absolute() else _home() / ".cache"
    return above / "holdfast" / "doctor"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        # A user without an entry and without HOME, as in some containers.
        return Path(tempfile.gettempdir()) / f"holdfast-{os.getuid()}"


@cache
def engine() -> str:
    """What tells this doctor, on this Python, from others: its own source."""
    digest = hashlib.sha256(f"{platform.python_implementation()} {sys.version}".encode())
    here = Path(__file__).parent
    for path in sorted(here.rglob("*.py")):
        digest.update(path.relative_to(here).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def state_of(path: str) -> str:
    """What tells one state of a library's file from another."""
    if not path:
        return ""
    try:
        status = os.stat(path)  # noqa: PTH116 - thousands of times
    except OSError:
        return path
    return f"{path}:{status.st_size}:{status.st_mtime_ns}"


class _Records(pickle.Unpickler):
    """Makes records of this room, and nothing else: no code can be named."""

    def find_class(self, module: str, name: str) -> Any:
        if module == _PACKAGE or module.startswith(f"{_PACKAGE}."):
            found = getattr(sys.modules.get(module), name, None)
            if isinstance(found, type) and dataclasses.is_dataclass(found):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no record of the doctor")


def records(data: bytes) -> Any:
    """What was pickled, if it holds nothing but plain data and records of the doctor.

    Raises:
        Exception: any, if it holds anything else.
    """
    return _Records(io.BytesIO(data)).load()


def _is_private(folder: Path) -> bool:
    if sys.platform == "win32":
        return True
    status = folder.stat()
    others = stat.S_IWGRP | stat.S_IWOTH
    return status.st_uid == os.getuid() and not status.st_mode & others


def _replace(path: Path, data: bytes) -> None:
    """Write the file so that a reader sees the old one or the new one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - it is open already
            file.write(hashlib.sha256(data).digest())
            file.write(data)
        os.replace(name, path)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise


def _make_room(folder: Path) -> None:
    """Remove what was not read for longest, until no more than `LARGEST_BYTES` is left."""
    files = sorted(_files(folder), reverse=True)
    size = 0
    for _, path, taken in files:
        size += taken
        if size > LARGEST_BYTES:
            with contextlib.suppress(OSError):
                os.unlink(path)  # noqa: PTH108 - these are its names


def _files(folder: Path) -> Iterable[tuple[float, str, int]]:
    found: Iterator[os.DirEntry[str]]
    with os.scandir(folder) as found:
        for entry in found:
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                yield status.st_mtime, entry.path, status.st_size
