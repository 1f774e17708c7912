"""Real Memcached servers for tests, on a free loopback port or a unix socket.

Each is stopped by its process when the block ends. Tests that want one say
`@pytest.mark.needs("memcached")`.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.services.redis import free_port, wait_until


class MemcachedServer:
    """A Memcached that can be stopped, hung and started again on the same port or socket.

    Args:
        unix: listen on a socket in its folder.
        options: further ones of the command line.
        environment: variables for it, besides those of this process.
    """

    def __init__(
        self,
        *,
        unix: bool = False,
        options: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        # Short enough for a unix socket's path, wherever the tests' own folder is.
        self.folder = Path(tempfile.mkdtemp(prefix="hf-memcached-"))
        self.socket = self.folder / "socket"
        self.port = free_port()
        self.unix = unix
        self._options = options
        self._environment = environment or {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"memcached://{self.socket}" if self.unix else f"memcached://127.0.0.1:{self.port}"

    def start(self) -> None:
        where = ("-s", self.socket) if self.unix else ("-l", "127.0.0.1", "-p", str(self.port))
        as_user = ("-u", "root") if os.geteuid() == 0 else ()
        self._process = subprocess.Popen(
            ["memcached", "-U", "0", "-m", "64", "-t", "2", *where, *as_user, *self._options],
            stderr=subprocess.DEVNULL,
            env={**os.environ, **self._environment},
        )
        wait_until(self._answers, "Memcached to answer")

    def ask(self, command: str) -> str:
        """One command, as a person would type it; the reply as it comes."""
        kind = socket.AF_UNIX if self.unix else socket.AF_INET
        with socket.socket(kind) as connection:
            connection.settimeout(5)
            connection.connect(str(self.socket) if self.unix else ("127.0.0.1", self.port))
            connection.sendall(command.encode() + b"\r\n")
            return connection.recv(100_000).decode()

    def hang(self) -> None:
        """Stop answering, with all connections open; new ones are accepted by the kernel."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        # Not before all of its threads stand still.
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"Memcached ended with {self._process.returncode}")
        try:
            return self.ask("version").startswith("VERSION")
        except OSError:
            return False


@contextlib.contextmanager
def running_memcached(
    *, unix: bool = False, options: tuple[str, ...] = ()
) -> Iterator[MemcachedServer]:
    """One server until the block ends."""
    server = MemcachedServer(unix=unix, options=options)
    try:
        server.start()
        yield server
    finally:
        server.remove()
