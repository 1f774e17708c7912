"""Ends a server whose starter is gone: a program of its own, since who is killed ends nothing.

    python -I guard.py GROUP SECONDS < pipe

It waits on the pipe that its starter alone can write to. A byte says that all is well; without one,
at the end of the pipe, the process group is ended: asked first, and by force after some seconds.
"""

from __future__ import annotations

import os
import signal
import sys
import time


def guard(group: int, seconds: float) -> None:
    """Wait for the starter's word, or its end.

    Args:
        group: the server's processes.
        seconds: that they have for ending by themselves.
    """
    if os.read(sys.stdin.fileno(), 1):
        return
    try:
        os.killpg(group, signal.SIGTERM)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            os.killpg(group, 0)
            time.sleep(0.1)
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # it is gone, or has become another user's


if __name__ == "__main__":
    guard(int(sys.argv[1]), float(sys.argv[2]))
