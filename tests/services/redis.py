"""Real Redis servers for tests: one, a watched master with its replica, a cluster.

Each listens on a free loopback port, keeps nothing on disk unless asked to, and is stopped by its
process when the block ends. Tests that want one say `@pytest.mark.needs("redis")`.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from holdfast.testing import ports

PATIENCE = 20.0


class RedisServer:
    """A Redis that can be stopped, killed, hung and started again on the same port and socket.

    Args:
        options: further settings, as in redis.conf: `{"requirepass": "secret"}`.
        port: otherwise a free one.
        sentinel: run the sentinel instead.
        environment: variables for it, besides those of this process.
    """

    def __init__(
        self,
        *,
        options: dict[str, str] | None = None,
        port: int | None = None,
        sentinel: bool = False,
        environment: dict[str, str] | None = None,
    ) -> None:
        # Short enough for a unix socket's path, wherever the tests' own folder is.
        self.folder = Path(tempfile.mkdtemp(prefix="hf-redis-"))
        self.socket = self.folder / "socket"
        self.port = port or free_port()
        self._sentinel = sentinel
        self._environment = environment or {}
        self._options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.folder),
            **({} if sentinel else {"unixsocket": str(self.socket), "save": '""'}),
            **(options or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def unix_url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def start(self) -> None:
        configuration = self.folder / "redis.conf"
        # A sentinel writes what it learned into its file, and goes on from there.
        if not (self._sentinel and configuration.exists()):
            lines = (f"{name} {value}\n" for name, value in self._options.items())
            configuration.write_text("".join(lines))
        program = "redis-sentinel" if self._sentinel else "redis-server"
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, configuration],
                stdout=log,
                stderr=log,
                env={**os.environ, **self._environment},
            )
        wait_until(self._answers, "the server to answer")

    def ask(self, *words: str) -> str:
        """One command, as a person would type it; the reply as it comes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            if password := self._options.get("requirepass"):
                connection.sendall(f"AUTH {password}\r\n".encode())
                connection.recv(1000)
            connection.sendall(" ".join(words).encode() + b"\r\n")
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
        """End at once, and keep nothing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        # A killed server leaves it behind, and a connection to it is refused all the same.
        self.socket.unlink(missing_ok=True)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"Redis did not come up: {(self.folder / 'log').read_text()}")
        try:
            return self.ask("PING").startswith(("+PONG", "-NOAUTH"))
        except OSError:
            return False


@contextlib.contextmanager
def running_redis(port: int | None = None, **options: str) -> Iterator[RedisServer]:
    """One server until the block ends, with settings of redis.conf."""
    named = {name.replace("_", "-"): value for name, value in options.items()}
    server = RedisServer(options=named, port=port)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@contextlib.contextmanager
def running_sentinel() -> Iterator[tuple[str, RedisServer, RedisServer]]:
    """A master, its replica, and one sentinel that watches them as `shop`: its URL, and the two."""
    with (
        running_redis(repl_diskless_sync_delay="0") as master,
        running_redis(replicaof=f"127.0.0.1 {master.port}") as replica,
    ):
        wait_until(
            lambda: "master_link_status:up" in replica.ask("INFO", "replication"), "the link"
        )
        sentinel = RedisServer(
            sentinel=True,
            options={
                "sentinel monitor": f"shop 127.0.0.1 {master.port} 1",
                "sentinel down-after-milliseconds": "shop 500",
                "sentinel failover-timeout": "shop 3000",
            },
        )
        try:
            sentinel.start()
            port = str(replica.port)
            wait_until(lambda: port in sentinel.ask("SENTINEL", "replicas", "shop"), "the replica")
            yield f"redis+sentinel://127.0.0.1:{sentinel.port}/shop?db=0", master, replica
        finally:
            sentinel.remove()


@contextlib.contextmanager
def running_cluster() -> Iterator[tuple[str, list[RedisServer]]]:
    """Three masters that share the slots: the cluster's URL, and the three."""
    slots = [(0, 5460), (5461, 10922), (10923, 16383)]
    with contextlib.ExitStack() as stack:
        servers = []
        for first, last in slots:
            port = free_port(and_of_its_bus=True)
            options = {"cluster_enabled": "yes", "cluster_node_timeout": "2000"}
            server = stack.enter_context(running_redis(port, **options))
            server.ask("CLUSTER", "ADDSLOTSRANGE", str(first), str(last))
            servers.append(server)
        for epoch, server in enumerate(servers, 1):
            server.ask("CLUSTER", "SET-CONFIG-EPOCH", str(epoch))
            server.ask("CLUSTER", "MEET", "127.0.0.1", str(servers[0].port))
        for server in servers:
            wait_until(
                lambda server=server: (
                    "cluster_state:ok" in server.ask("CLUSTER", "INFO")
                    and "cluster_known_nodes:3" in server.ask("CLUSTER", "INFO")
                ),
                "the cluster",
            )
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
        yield f"redis+cluster://{hosts}", servers


def wait_until(true: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not true():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {patience:g} s in vain for {what}")
        time.sleep(0.02)


def free_port(*, and_of_its_bus: bool = False) -> int:
    """A port that nobody listens on; with that of a cluster node's bus, 10,000 above."""
    while True:
        port = ports.free_port()
        if not and_of_its_bus:
            return port
        with socket.socket() as bus, contextlib.suppress(OSError, OverflowError):
            bus.bind(("127.0.0.1", port + 10_000))
            return port
