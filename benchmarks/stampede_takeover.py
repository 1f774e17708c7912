"""A process is killed while it loads what another waits for: when the other one begins to load."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import Connection
from typing import Any

from .rounds import Effort
from .store_services import Places

#: Seconds for which the loader runs before its process is killed.
_LOADING = 0.3
_PATIENCE_SECONDS = 30.0


def takeovers(places: Places, effort: Effort) -> dict[str, list[float]]:
    """Seconds from `kill -9` to the other process's load, by where the results are kept."""
    urls = {"LMDB, one machine": f"lmdb://{places.folder / 'takeover'}"}
    if "redis" in places.sockets and not effort.quick:
        urls["Redis"] = f"unix://{places.sockets['redis']}?db=14"
    if "memcached" in places.sockets and not effort.quick:
        urls["Memcached"] = f"memcached://{places.sockets['memcached']}"
    rounds = 1 if effort.quick else 20
    return {name: [_once(url, number) for number in range(rounds)] for name, url in urls.items()}


def _once(url: str, number: int) -> float:
    dies, takes_over = _Loader(url, f"key-{number}"), _Loader(url, f"key-{number}")
    try:
        dies.begin()
        dies.answer()
        takes_over.begin()
        time.sleep(_LOADING)
        killed = time.monotonic()
        dies.process.kill()
        return float(takes_over.answer()) - killed
    finally:
        dies.end()
        takes_over.end()


class _Loader:
    """A process with one cached function, which says when it began to load."""

    def __init__(self, url: str, key: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, there = context.Pipe()
        self.process = context.Process(target=_serve, args=(there, url, key), daemon=True)
        self.process.start()
        there.close()
        self.answer()

    def begin(self) -> None:
        """Call the function."""
        self._connection.send(None)

    def answer(self) -> Any:
        """What it says next."""
        if not self._connection.poll(_PATIENCE_SECONDS):
            raise RuntimeError("a process of the benchmark hangs")
        return self._connection.recv()

    def end(self) -> None:
        """End it, loading or not."""
        self._connection.close()
        self.process.kill()
        self.process.join()


def _serve(connection: Connection, url: str, key: str) -> None:
    import holdfast
    from holdfast import named_stores

    holdfast.configure({"STORES": {"cache": url}, "CACHE": {"COMMIT_TIMEOUT": 1}})

    @holdfast.cached(60, name="takeover")
    def load(key: str) -> str:
        connection.send(time.monotonic())
        connection.recv()  # which nobody sends: it loads until it is killed
        return key

    while named_stores.store("cache").tags.stamp() is None:
        time.sleep(0.05)
    connection.send(None)
    connection.recv()
    try:
        load(key)
    except (EOFError, OSError):
        return
