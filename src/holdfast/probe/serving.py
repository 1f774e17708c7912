"""The server's command while it is probed: its processes, what it prints, and its end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from ..aboard import VARIABLE
from ..aboard.command import ServerCommand

#: Seconds for ending by itself, as at Ctrl-C, and then as at SIGTERM.
_INTERRUPTED_WITHIN = 3.0
_TERMINATED_WITHIN = 4.0
_KILLED_WITHIN = 2.0
_LONGEST_LOG = 1_000_000


class Serving:
    """The running command, and all that it started.

    Args:
        words: the command, as the user typed it.
        environment: see `holdfast.aboard.environment`.
        folder: what it prints, and what its observers write, is in there.

    Raises:
        FileNotFoundError, PermissionError: there is no such program.
    """

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self._folder = folder
        self._log = folder / "log.txt"
        self._aboard = environment.get(VARIABLE, "")
        self._known: dict[int, psutil.Process] = {}
        self._is_over = False
        self._command = ServerCommand(words, environment, self._log)

    def processes(self) -> list[psutil.Process]:
        """All that live, also those that have left the command (a daemon)."""
        found: dict[int, psutil.Process] = {}
        try:
            first = psutil.Process(self._command.pid)
            for process in [first, *first.children(recursive=True)]:
                found[process.pid] = process
        except psutil.Error:
            pass
        for pid in self._who_wrote() - found.keys():
            with_observers = self._known.get(pid) or self._with_observers(pid)
            if with_observers is not None:
                found[pid] = with_observers
        self._known.update(found)
        self._known = {pid: one for pid, one in self._known.items() if _lives(one)}
        return list(self._known.values())

    def has_ended(self) -> bool:
        """Whether nothing of it lives any more."""
        return self._command.ended() is not None and not self.processes()

    def status(self) -> int | None:
        """The command's exit status, once it has ended."""
        return self._command.ended()

    def log(self) -> str:
        """The last million characters of what it printed."""
        try:
            text = self._log.read_bytes()[-_LONGEST_LOG:]
        except OSError:
            return ""
        return text.decode("utf-8", "replace")

    def end(self) -> None:
        """End it as Ctrl-C would, then by SIGTERM, then by force. Blocks up to ten seconds."""
        if self._is_over:
            return  # Its number may be another process's by now.
        self._is_over = True
        try:
            # Ctrl-C is what all development and production servers know. SIGTERM makes some begin
            # anew (uWSGI), and wrappers end without what they started.
            for number, seconds in (
                (signal.SIGINT, _INTERRUPTED_WITHIN),
                (signal.SIGTERM, _TERMINATED_WITHIN),
            ):
                if not self.processes():
                    break
                self._signal(number)
                self._wait(seconds)
        finally:
            # Also when a second Ctrl-C comes meanwhile.
            self._signal(signal.SIGKILL)
            for process in self.processes():
                _send(process, signal.SIGKILL)
            self._command.end()
            # What is no child of ours is waited for like this: the next run wants its port.
            self._wait(_KILLED_WITHIN)

    def _signal(self, number: signal.Signals) -> None:
        """To all processes of the command's session, as a terminal does, and to those that left."""
        try:
            os.killpg(self._command.pid, number)
        except (ProcessLookupError, PermissionError):
            pass
        for process in self._known.values():
            try:
                if os.getpgid(process.pid) != self._command.pid:
                    _send(process, number)
            except ProcessLookupError:
                pass

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.has_ended() and time.monotonic() < until:
            time.sleep(0.02)

    def _who_wrote(self) -> set[int]:
        """Processes with observers aboard write a file each."""
        return {int(file.stem) for file in self._folder.glob("*.jsonl") if file.stem.isdecimal()}

    def _with_observers(self, pid: int) -> psutil.Process | None:
        """The process of this number, if it still is the one that our observers were in."""
        try:
            process = psutil.Process(pid)
            ours = process.environ().get(VARIABLE) == self._aboard
        except psutil.Error:
            return None
        return process if ours else None


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        pass


def ended_how(status: int | None) -> str:
    """An exit status in words."""
    if status is None:
        return "left"
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"
