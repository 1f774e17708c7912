"""The store under test, and what can befall it."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.consistency.clock import Clock
from tests.services.memcached import MemcachedServer
from tests.services.redis import RedisServer, wait_until

EMBEDDED, REDIS, MEMCACHED = "lmdb", "redis", "memcached"


class Place:
    """A store, and its accidents.

    Attributes:
        url: where it is.
    """

    url: str

    #: What can befall it, by name; each has a method of that name.
    accidents: tuple[str, ...] = ()

    def flushed(self) -> None:
        """It is emptied."""
        raise NotImplementedError

    def restored(self) -> None:
        """It comes back with what it had a while ago."""
        raise NotImplementedError


class Directory(Place):
    """The embedded store: no server, so there is nothing to restart."""

    def __init__(self, folder: Path) -> None:
        self.url = f"lmdb://{folder / 'store'}?size=256MB"


class Server(Place):
    """Redis or Memcached."""

    def __init__(self, server: RedisServer | MemcachedServer, clock: Clock) -> None:
        self._server, self._clock = server, clock
        self.url = server.url
        self.accidents = ("restarted", "flushed", "stalled")
        if isinstance(server, RedisServer):
            self.url = server.unix_url
            self.accidents += ("restored",)
        if clock.environment:
            self.accidents += ("clock",)

    def restarted(self) -> None:
        """It comes back with nothing."""
        self._server.stop()
        (self._server.folder / "dump.rdb").unlink(missing_ok=True)
        time.sleep(0.3)
        self._server.start()

    def restored(self) -> None:
        """It comes back with what it had a while ago."""
        assert isinstance(self._server, RedisServer)
        dump = self._server.folder / "dump.rdb"
        dump.unlink(missing_ok=True)
        self._server.ask("BGSAVE")
        wait_until(dump.exists, "the dump")
        time.sleep(1)
        self._server.stop()
        self._server.start()
        dump.unlink(missing_ok=True)

    def flushed(self) -> None:
        self._server.ask("FLUSHALL" if isinstance(self._server, RedisServer) else "flush_all")

    def stalled(self) -> None:
        """It doesn't answer for longer than anybody waits."""
        self._server.hang()
        time.sleep(1.5)
        self._server.go_on()

    def clock(self) -> None:
        """Its clock is set an hour forward or back."""
        self._clock.set()
        time.sleep(0.2)


@contextlib.contextmanager
def running(kind: str) -> Iterator[Place]:
    """A store of that kind until the block ends."""
    # In memory where there is such a folder: nothing here has to outlive a machine.
    shared = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    folder = Path(tempfile.mkdtemp(prefix="hf-", dir=shared if shared.is_dir() else None))
    try:
        if kind == EMBEDDED:
            yield Directory(folder)
            return
        server: RedisServer | MemcachedServer
        clock = Clock(folder, "server")
        if kind == REDIS:
            server = RedisServer(environment=clock.environment)
        else:
            server = MemcachedServer(unix=True, environment=clock.environment)
        try:
            server.start()
            yield Server(server, clock)
        finally:
            server.remove()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
