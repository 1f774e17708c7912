"""Redis stopped in mid-traffic and started again: how calls fare, and when all is as before."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .rounds import Effort
from .stampede_processes import Latency, Storm, Traffic
from .store_services import Places, wait_for_socket

#: The store that is stopped: a Redis of its own.
STORE = "stopped redis"
_KEY = "hot"
#: Seconds between two calls of one caller: so many that a server at ease answers at once.
_PAUSE = 0.2


@dataclass
class Outage:
    """What was measured.

    Attributes:
        phases: the calls before, while Redis was gone, and after.
        coherent: seconds after Redis's return from which on whatever was invalidated in one
            process was served by none. None: that did not come to be.
    """

    phases: dict[str, list[Latency]] = field(default_factory=dict)
    coherent: float | None = None


def socket_of(places: Places) -> str:
    """Where the Redis is that is stopped."""
    return str(places.folder / "stopped.socket")


def outage(places: Places, processes: Storm, effort: Effort) -> Outage:
    """Have all call while Redis is killed and comes back."""
    seconds = 0.3 if effort.quick else 3.0
    found = Outage()
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(_redis(places))
        processes.ask("versioned", STORE, 60.0)
        # Each process has the result now.
        processes.calls("versioned", 300, _KEY, Traffic(0.2, _PAUSE))
        processes.begin("versioned", 300, _KEY, Traffic(3 * seconds, _PAUSE))
        begun = time.monotonic()
        time.sleep(seconds)
        first.kill()
        first.wait()
        gone = time.monotonic()
        time.sleep(seconds)
        stack.enter_context(_redis(places))
        back = time.monotonic()
        latencies = processes.end()
        found.phases = {
            "before": [one for one in latencies if begun <= one[0] and one[0] + one[1] < gone],
            "gone": [one for one in latencies if gone <= one[0] + one[1] and one[0] < back],
            "back": [one for one in latencies if one[0] >= back],
        }
    with _redis(places) as again:
        processes.calls("versioned", 300, _KEY, Traffic(0.2, _PAUSE))
        again.kill()
        again.wait()
        processes.calls("versioned", 300, _KEY, Traffic(0.5, _PAUSE))
        with _redis(places):
            found.coherent = _until_coherent(processes, time.monotonic())
    return found


def _until_coherent(processes: Storm, back: float) -> float | None:
    """Seconds until an invalidation in one process holds in all, ten times running."""
    since: float | None = None
    running = 0
    while running < 10 and time.monotonic() < back + 10:
        asked = time.monotonic()
        version = processes.change()
        done = processes.ask("invalidate", _KEY, processes=slice(1))[0]
        if done and min(processes.ask("read", _KEY)) >= version:
            since = since if running else asked
            running += 1
        else:
            running = 0
        time.sleep(0.02)
    return None if since is None or running < 10 else max(0.0, since - back)


@contextlib.contextmanager
def _redis(places: Places) -> Iterator[subprocess.Popen[bytes]]:
    path = socket_of(places)
    Path(path).unlink(missing_ok=True)
    program = shutil.which("redis-server")
    assert program is not None, "there was one a moment ago"
    process = subprocess.Popen(
        [program, "--port", "0", "--save", "", "--unixsocket", path],
        cwd=places.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_socket("redis", process, path)
        yield process
    finally:
        process.kill()
        process.wait()
