"""Starts a real server, waits until it answers, and stops it whatever happens."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent


class ServerDiedError(RuntimeError):
    """The server ended, or never answered. The message has the end of its log."""


def ask_health(port: int) -> None:
    """Send a request to the web server at *port*. Raises OSError if there is none yet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", "/health/")
        connection.getresponse().read()
    finally:
        connection.close()


def connect(port: int) -> None:
    """Connect to the server at *port*, of whatever kind. Raises OSError if there is none yet."""
    socket.create_connection(("127.0.0.1", port), timeout=20).close()


@contextlib.contextmanager
def running(  # noqa: PLR0913, PLR0917 - all that starting a server takes
    command: Sequence[str],
    port: int,
    log: Path,
    environment: Mapping[str, str],
    patience: float = 60,
    ask: Callable[[int], None] = ask_health,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run *command* in example/ until the block ends; its output goes to *log*.

    Yields the process once *ask*, called with *port*, raises no OSError. Raises ServerDiedError if
    that takes more than *patience* seconds. The server gets 5 seconds to end by itself.
    """
    with log.open("ab") as output, _signals_held():
        # A process group of its own: Ctrl-C reaches us only, and we stop the workers, too, if a
        # master should die before them.
        process = subprocess.Popen(
            command,
            cwd=EXAMPLE,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _started.append(process)
    try:
        _wait_until_it_answers(process, lambda: ask(port), log, patience)
        yield process
    finally:
        _stop(process)


def _wait_until_it_answers(
    process: subprocess.Popen[bytes], ask: Callable[[], None], log: Path, patience: float
) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerDiedError(f"The server ended with {process.returncode}:\n{_end_of(log)}")
        try:
            ask()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise ServerDiedError(f"The server did not answer within {patience:.0f} s:\n{_end_of(log)}")


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-30:])


def stop_what_is_left() -> None:
    """Stop the servers that an exception between two statements has left running."""
    while _started:
        _stop(_started[-1])


_started: list[subprocess.Popen[bytes]] = []


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process not in _started:
        return
    with _signals_held():
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        # Whoever is left of the group that we started: workers whose master is gone.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _started.remove(process)


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block is over: a process just started must be known."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, frame: object) -> None:
        came.append(number)

    usual = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
