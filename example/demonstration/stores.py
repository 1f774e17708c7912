"""Where the demo keeps shared state: embedded, or in a server that it starts and stops."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from demonstration.running import connect, running
from holdfast.testing.ports import free_port


@dataclass(frozen=True)
class Store:
    """One kind of store.

    Attributes:
        name: what it is called on the command line.
        title: the same, in words.
        package: the Python package that it needs.
        program: the server that it needs; empty: none.
        running: keeps the server running while the block runs, and gives the store's URL.
    """

    name: str
    title: str
    package: str
    program: str
    running: Callable[[Path], contextlib.AbstractContextManager[str]]

    def missing(self) -> list[str]:
        """What it needs and is not installed."""
        missing = [] if find_spec(self.package) else [self.package]
        return missing if not self.program or shutil.which(self.program) else [self.program]


@contextlib.contextmanager
def _embedded(folder: Path) -> Iterator[str]:
    yield ""  # no setting at all


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [
        *("redis-server", "--bind", "127.0.0.1", "--port", str(port)),
        *("--save", "", "--appendonly", "no", "--dir", str(folder)),
    ]
    with running(command, port, folder / "redis.log", {}, ask=connect):
        yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def _memcached(folder: Path) -> Iterator[str]:
    port = free_port()
    command = ["memcached", "-l", "127.0.0.1", "-p", str(port), "-U", "0"]
    if os.geteuid() == 0:
        command += ["-u", "nobody"]  # it refuses to run as root
    with running(command, port, folder / "memcached.log", {}, ask=connect):
        yield f"memcached://127.0.0.1:{port}"


STORES = {
    store.name: store
    for store in (
        Store("embedded", "the embedded store", "lmdb", "", _embedded),
        Store("redis", "Redis", "redis", "redis-server", _redis),
        Store("memcached", "Memcached", "meta_memcache_socket", "memcached", _memcached),
    )
}
