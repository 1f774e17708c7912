"""Runs the server's command as the user typed it, and ends all that it started.

Also if this process is killed: see `guard`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

#: Seconds that the server has for ending by itself.
ENDS_WITHIN = 10.0
#: Seconds that what is killed has for being gone. Where nobody asks for a dead process (a container
#: without an init), it counts as there.
_GONE_WITHIN = 1.0

_GUARD = Path(__file__).with_name("guard.py")


class ServerCommand:
    """The running command, with all processes that it starts.

    Args:
        words: the command, as the user typed it.
        environment: see `holdfast.aboard.environment`.
        log: the file that what it prints goes to; default: where ours goes.
        to_stderr: whether all that it prints goes to our standard error, if there is no log.

    Raises:
        FileNotFoundError, PermissionError: there is no such program.
    """

    def __init__(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        log: Path | None = None,
        *,
        to_stderr: bool = False,
    ) -> None:
        with ExitStack() as opened:
            to: IO[Any] | None = sys.stderr if to_stderr else None
            if log is not None:
                to = opened.enter_context(log.open("ab"))
            # A session of its own: a signal to us doesn't reach it by itself, and nothing that it
            # started stays behind.
            self._process = subprocess.Popen(  # noqa: S603 - what the user typed
                list(words),
                env=dict(environment),
                start_new_session=True,
                stdout=to,
                stderr=None if log is None else subprocess.STDOUT,
            )
        self._guard = self._guarded()

    def _guarded(self) -> subprocess.Popen[bytes]:
        # Isolated: it is started in the user's project, and nothing of that is its concern.
        words = [sys.executable, "-I", "-S", str(_GUARD), str(self._process.pid), str(ENDS_WITHIN)]
        return subprocess.Popen(  # noqa: S603 - our own
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Of its first process."""
        return self._process.pid

    def ended(self) -> int | None:
        """Its exit status, once it has ended."""
        return self._process.poll()

    def wait(self, seconds: float | None, meanwhile: Callable[[], object]) -> int | None:
        """Wait until it ends, or for *seconds*; *meanwhile* is called a few times a second."""
        until = None if seconds is None else time.monotonic() + seconds
        while until is None or time.monotonic() < until:
            try:
                return self._process.wait(0.2)
            except subprocess.TimeoutExpired:
                meanwhile()
        return None

    def end(self) -> int:
        """End it as one would, by SIGTERM, and after ten seconds by force. Its exit status."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                pass
        status = self._end_by_force()
        if self._guard.poll() is None:
            self._guard.communicate(b".")
        return status

    def _end_by_force(self) -> int:
        with suppress(ProcessLookupError, PermissionError):
            # What it left behind is in its session.
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            until = time.monotonic() + _GONE_WITHIN
            # A large process takes its time, and holds ports and files until then.
            while time.monotonic() < until:
                os.killpg(self._process.pid, 0)
                time.sleep(0.01)
        return self._process.wait()
