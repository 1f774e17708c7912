"""Four processes with fifty callers each: threads, or tasks of one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from . import stampede_subjects
from .stampede_subjects import SUBJECTS
from .store_services import Places

PROCESSES, CALLERS = 4, 50

_PATIENCE_SECONDS = 90.0


@dataclass(frozen=True)
class Traffic:
    """What each caller does.

    Attributes:
        seconds: that it calls for; 0: once.
        pause: seconds between two calls.
    """

    seconds: float = 0.0
    pause: float = 0.02


ONCE = Traffic()

Latency = tuple[float, float, str]
"""When a call began, the seconds that it took, and the error it raised, if any."""


class Storm:
    """The processes, and how many loads they have made."""

    def __init__(self, places: Places) -> None:
        # Not forked: this process may have threads, and settings of its own.
        context = multiprocessing.get_context("spawn")
        self._loads: Any = context.Value("q", 0)
        self._version: Any = context.Value("q", 0)
        self._running: list[tuple[Any, Connection]] = []
        for _ in range(PROCESSES):
            here, there = context.Pipe()
            told = (there, places, self._loads, self._version)
            process = context.Process(target=_serve, args=told, daemon=True)
            process.start()
            there.close()
            self._running.append((process, here))
        for _, connection in self._running:
            self._answer(connection)

    @property
    def loads(self) -> int:
        """So far."""
        return int(self._loads.value)

    def change(self) -> int:
        """Have loaders return another version from now on: which."""
        with self._version.get_lock():
            self._version.value += 1
            return int(self._version.value)

    def calls(self, name: str, ttl: float, key: str, traffic: Traffic) -> list[Latency]:
        """All callers at once, from one moment on, of what was opened before."""
        self.begin(name, ttl, key, traffic)
        return self.end()

    def begin(self, name: str, ttl: float, key: str, traffic: Traffic) -> None:
        """Have them call; `end` has the answers."""
        start = time.monotonic() + 0.1
        for _, connection in self._running:
            connection.send(("call", name, ttl, key, start, traffic))

    def end(self) -> list[Latency]:
        """The answers."""
        found: list[Latency] = []
        for _, connection in self._running:
            found += self._answer(connection)
        return found

    def ask(self, *question: Any, processes: slice = slice(None)) -> list[Any]:
        """The answers of all processes."""
        for _, connection in self._running[processes]:
            connection.send(question)
        return [self._answer(connection) for _, connection in self._running[processes]]

    def close(self) -> None:
        """End them all."""
        for process, connection in self._running:
            connection.close()
            process.join(5)
            if process.exitcode is None:
                process.kill()
                process.join()

    @staticmethod
    def _answer(connection: Connection) -> Any:
        if not connection.poll(_PATIENCE_SECONDS):
            raise RuntimeError("a process of the benchmark hangs")
        answer = connection.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer


@contextlib.contextmanager
def storm(places: Places) -> Iterator[Storm]:
    """The processes, until the block ends."""
    running = Storm(places)
    try:
        yield running
    finally:
        running.close()


# In the processes


class _Callers:
    def __init__(self, places: Places, loads: Any, version: Any) -> None:
        self._places = places
        self._loads, self._version = loads, version
        self._opened: dict[tuple[str, float], Any] = {}
        self._runner = asyncio.Runner()

    def _count(self) -> None:
        with self._loads.get_lock():
            self._loads.value += 1

    def open(self, name: str, ttl: float) -> None:
        if (name, ttl) not in self._opened:
            subject = _subject(name)
            self._opened[name, ttl] = subject.open(self._places, ttl, self._count)
        # Connections are not what is measured.
        self.call(name, ttl, "warm", time.monotonic(), ONCE)

    def call(
        self, name: str, ttl: float, key: str, start: float, traffic: Traffic
    ) -> list[Latency]:
        call = self._opened[name, ttl]
        if _subject(name).is_async:
            return self._runner.run(_tasks(call, key, start, traffic))
        return _threads(call, key, start, traffic)

    def versioned(self, store: str, fail_safe: float) -> None:
        """A function whose result says which version was loaded."""
        import holdfast

        @holdfast.cached(300, store=store, fail_safe=fail_safe, name="versioned")
        def versioned(key: str) -> int:
            self._count()
            return int(self._version.value)

        self._opened["versioned", 300] = versioned
        self.call("versioned", 300, "warm", time.monotonic(), ONCE)

    def read(self, key: str) -> int:
        return int(self._opened["versioned", 300](key))

    def invalidate(self, key: str) -> bool:
        from holdfast.stores import StoreError

        try:
            self._opened["versioned", 300].invalidate(key)
        except StoreError:
            return False
        return True


def _subject(name: str) -> stampede_subjects.Subject:
    found = [subject for subject in SUBJECTS if subject.name == name]
    return found[0] if found else stampede_subjects.Subject(name, lambda *_: None)


def _threads(call: Callable[[str], Any], key: str, start: float, traffic: Traffic) -> list[Latency]:
    found: list[Latency] = []

    def caller(place: int) -> None:
        time.sleep(max(0.0, start - time.monotonic()))
        # Once all together; when there is more than one call, spread over time.
        time.sleep(traffic.pause * place / CALLERS if traffic.seconds else 0)
        while True:
            begun, error = time.monotonic(), ""
            try:
                call(key)
            except Exception as raised:  # noqa: BLE001 - each cache has its own
                error = type(raised).__name__
            found.append((begun, time.monotonic() - begun, error))
            if time.monotonic() - start >= traffic.seconds:
                return
            time.sleep(traffic.pause)

    threads = [threading.Thread(target=caller, args=(place,)) for place in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


async def _tasks(
    call: Callable[[str], Any], key: str, start: float, traffic: Traffic
) -> list[Latency]:
    found: list[Latency] = []

    async def caller(place: int) -> None:
        await asyncio.sleep(max(0.0, start - time.monotonic()))
        await asyncio.sleep(traffic.pause * place / CALLERS if traffic.seconds else 0)
        while True:
            begun, error = time.monotonic(), ""
            try:
                await call(key)
            except Exception as raised:  # noqa: BLE001 - each cache has its own
                error = type(raised).__name__
            found.append((begun, time.monotonic() - begun, error))
            if time.monotonic() - start >= traffic.seconds:
                return
            await asyncio.sleep(traffic.pause)

    await asyncio.gather(*(caller(place) for place in range(CALLERS)))
    return found


def _serve(connection: Connection, places: Places, loads: Any, version: Any) -> None:
    stampede_subjects.configure(places)
    callers = _Callers(places, loads, version)
    connection.send(None)
    while True:
        try:
            name, *arguments = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            answer = getattr(callers, name)(*arguments)
        except Exception as error:  # noqa: BLE001 - it is reported
            answer = RuntimeError(f"{arguments}: {type(error).__name__}: {error}")
        connection.send(answer)
