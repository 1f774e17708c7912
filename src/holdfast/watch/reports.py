"""What the processes of a watched server write for `holdfast watch`, and what that reads of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .crossings import Crossing
from .trouble import trouble

_CROSSINGS = "crossings.jsonl"
#: A byte for each.
_REQUESTS = "requests"
_MODULES = "modules"
_UNREPORTED = "unreported"


class Reports:
    """Writes into the folder. A process that is forked from this one goes on doing so.

    All files are opened at once: later on the process may be another user's, or have no more
    files. Nothing of it raises: a watched program doesn't fail of being watched.

    Args:
        folder: where `holdfast watch` reads.

    Raises:
        OSError: this process can't write there.
    """

    def __init__(self, folder: Path) -> None:
        self._crossings = _File(folder / _CROSSINGS)
        self._requests = _File(folder / _REQUESTS)
        self._modules = _File(folder / _MODULES)
        self._unreported = _File(folder / _UNREPORTED, os.O_WRONLY)
        # There is place for it even if the disk is full, when it is needed.
        self._unreported.put(b"0", at_least=True)

    def tell(self, crossing: Crossing) -> None:
        """A line of JSON, written at once."""
        line = json.dumps({"pid": os.getpid(), **crossing.as_dict()}, default=str) + "\n"
        self._add(self._crossings, line.encode("utf-8", "backslashreplace"))

    def count_request(self) -> None:
        """One more was seen."""
        self._add(self._requests, b".")

    def count_module(self) -> None:
        """One more was rewritten."""
        self._add(self._modules, b".")

    def _add(self, file: _File, data: bytes) -> None:
        try:
            file.add(data)
        except OSError as error:
            trouble("what was seen can't be reported", error)
            try:
                self._unreported.put(b"1")
            except OSError:
                pass  # it is said on stderr


class _File:
    def __init__(self, path: Path, flags: int = os.O_WRONLY | os.O_APPEND) -> None:
        self._descriptor = os.open(path, flags | os.O_CREAT, 0o600)
        self._is = self._found()

    def add(self, data: bytes) -> None:
        """At the end, in one piece: others write there, too."""
        self._check()
        if os.write(self._descriptor, data) < len(data):
            raise OSError(f"only a part of {len(data)} bytes was written")

    def put(self, data: bytes, *, at_least: bool = False) -> None:
        """At the beginning; *at_least*: if there is nothing."""
        self._check()
        if not (at_least and os.fstat(self._descriptor).st_size):
            os.pwrite(self._descriptor, data, 0)

    def _check(self) -> None:
        # Who becomes a daemon closes all it knows nothing of, and opens others by the same number.
        if self._found() != self._is:
            raise OSError("the file was closed")

    def _found(self) -> tuple[int, int]:
        found = os.fstat(self._descriptor)
        return found.st_dev, found.st_ino


@dataclass(frozen=True, slots=True)
class Seen:
    """What all processes of the server have seen up to now.

    Attributes:
        aboard: whether any of them was watched.
        requests: how many.
        modules: how many were rewritten, in all processes.
        unreported: whether something could not be written.
    """

    aboard: bool
    requests: int
    modules: int
    unreported: bool


def seen(folder: Path) -> Seen:
    """What was counted in the folder."""
    requests, modules = folder / _REQUESTS, folder / _MODULES
    unreported = folder / _UNREPORTED
    return Seen(
        requests.exists(),
        requests.stat().st_size if requests.exists() else 0,
        modules.stat().st_size if modules.exists() else 0,
        unreported.exists() and unreported.read_bytes() == b"1",
    )


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """All crossings up to now. A line that is being written is left for the next time."""
    file = folder / _CROSSINGS
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    for line in text[: text.rfind("\n") + 1].splitlines():
        try:
            found: dict[str, Any] = json.loads(line)
        except ValueError:
            continue  # the disk was full: its writer has said so
        yield found
