"""Processes that call stores: one, or four at the same time."""

from __future__ import annotations

import contextlib
import gc
import itertools
import multiprocessing
import pickle
import random
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any

from . import store_subjects
from .store_services import Places
from .store_subjects import NUMBER, STORES, Calls

#: By name, bytes that a value has when it is pickled; about.
SIZES = {"100 B": 100, "1 KB": 1000, "10 KB": 10_000}
MANY = 100

GET, SET, MIXED, INCREMENT, GET_MANY = "get", "set", "90/10", "incr", "get_many(100)"

# The clock is looked at each time that about so much work is done.
_SECONDS_BETWEEN_LOOKS = 0.0005
_BEFORE_START_SECONDS = 0.002
_PATIENCE_SECONDS = 60.0


class Failed(Exception):  # noqa: N818 - it is reported, and no mistake of ours
    """A store raised something, or gave no answer."""


class Processes:
    """Up to *number* of them, each with connections of its own."""

    def __init__(self, places: Places, number: int, keys: int) -> None:
        self._places, self._number, self._keys = places, number, keys
        self._running: list[tuple[Any, Connection]] = []
        self._start()

    def _start(self) -> None:
        # Not forked: this process may have threads, and settings of its own.
        context = multiprocessing.get_context("spawn")
        for number in range(self._number):
            here, there = context.Pipe()
            process = context.Process(
                target=_serve, args=(there, self._places, number, self._keys), daemon=True
            )
            process.start()
            there.close()
            self._running.append((process, here))
            # One after the other: the first makes the tables that the others find.
            self._answer(here)

    def close(self) -> None:
        """End them all."""
        for process, connection in self._running:
            connection.close()
            process.join(5)
            if process.exitcode is None:
                process.kill()
                process.join()
        self._running = []

    def fill(self, store: str) -> None:
        """Put the values in that are then read, and see that all processes find them.

        Raises:
            Failed: they don't.
        """
        self._ask(1, ("fill", store))
        if next(one for one in STORES if one.name == store).shared:
            self._ask(self._number, ("look", store))

    def rate(self, store: str, operation: str, size: str, processes: int, seconds: float) -> float:
        """Calls for each second, of all together.

        Raises:
            Failed: one of them raised something.
        """
        start = time.monotonic() + _BEFORE_START_SECONDS
        return sum(self._ask(processes, ("call", store, operation, size, start, seconds)))

    def increments(self, store: str, processes: int, seconds: float) -> tuple[float, int, int]:
        """Increments for each second, how many there were, and how many of them got lost."""
        start = time.monotonic() + _BEFORE_START_SECONDS
        self._ask(1, ("count", store, 0))
        answers = self._ask(processes, ("increment", store, start, seconds))
        done = sum(count for _, count in answers)
        return (
            sum(rate for rate, _ in answers),
            done,
            done - self._ask(1, ("count", store, None))[0],
        )

    def _ask(self, processes: int, question: tuple[Any, ...]) -> list[Any]:
        asked = self._running[:processes]
        for _, connection in asked:
            connection.send(question)
        try:
            answers = [self._answer(connection) for _, connection in asked]
        except TimeoutError:
            self.close()
            self._start()
            raise Failed("hangs") from None
        for answer in answers:
            if isinstance(answer, Failed):
                raise answer
        return answers

    def _answer(self, connection: Connection) -> Any:
        if not connection.poll(_PATIENCE_SECONDS):
            raise TimeoutError
        try:
            return connection.recv()
        except EOFError:
            raise RuntimeError("a process of the benchmark ended") from None


@contextlib.contextmanager
def processes(places: Places, number: int, keys: int) -> Iterator[Processes]:
    """That many processes, until the block ends."""
    running = Processes(places, number, keys)
    try:
        yield running
    finally:
        running.close()


def value(size: int) -> dict[str, Any]:
    """What a view might keep: records of texts, numbers and short lists."""
    order = random.Random(size)
    found: dict[str, Any] = {}
    for number in itertools.count():
        found[f"item-{number}"] = {
            "id": order.randrange(10**9),
            "name": f"Name of {order.randrange(10**6)}",
            "price": order.random() * 100,
            "tags": ["new", "sale"],
        }
        if len(pickle.dumps(found, 5)) > size - 60:
            break
    if size < 200:  # one such record is too much
        found = {"id": 123456, "name": "Name of 123456", "price": 12.5, "new": True}
    found["text"] = ""
    found["text"] = "x" * max(0, size - len(pickle.dumps(found, 5)) - 2)
    return found


# In the processes


class _Caller:
    def __init__(self, places: Places, number: int, keys: int) -> None:
        self._places = places
        self._opened: dict[str, Calls] = {}
        self._values: dict[str, Any] = {name: value(size) for name, size in SIZES.items()}
        self._keys = {}
        order = random.Random(number)
        for name, size in SIZES.items():
            of_size = [f"k{size}-{key}" for key in range(keys)]
            self._keys[name] = of_size
            order.shuffle(of_size)
        self._at_once: dict[tuple[str, str, str], int] = {}

    def _calls(self, store: str) -> Calls:
        if store not in self._opened:
            found = next(one for one in STORES if one.name == store)
            self._opened[store] = found.open(self._places)
        return self._opened[store]

    def _value(self, store: str, size: str) -> Any:
        found = next(one for one in STORES if one.name == store)
        return b"x" * SIZES[size] if found.raw else self._values[size]

    def fill(self, store: str) -> None:
        calls = self._calls(store)
        for size, keys in self._keys.items():
            for key in keys:
                calls.set(key, self._value(store, size))
        self.look(store)

    def look(self, store: str) -> None:
        calls = self._calls(store)
        for size, keys in self._keys.items():
            if calls.get(keys[0]) != self._value(store, size):
                raise ValueError("another value than was set")

    def count(self, store: str, number: int | None) -> int:
        count = self._calls(store).count
        assert count is not None
        return count(number)

    def increment(self, store: str, start: float, seconds: float) -> tuple[float, int]:
        return self._timed(self._calls(store), (store, INCREMENT, "1 KB"), start, seconds)

    def call(self, store: str, operation: str, size: str, start: float, seconds: float) -> float:
        return self._timed(self._calls(store), (store, operation, size), start, seconds)[0]

    def _timed(
        self, calls: Calls, what: tuple[str, str, str], start: float, seconds: float
    ) -> tuple[float, int]:
        store, operation, size = what
        work, keys = _WORK[operation], self._keys[size]
        given = self._value(store, size)
        at_once = self._at_once.get(what, 10 if operation == MIXED else 1)
        place = random.randrange(len(keys))
        gc.collect(0)
        gc.disable()
        try:
            time.sleep(max(0.0, start - time.monotonic()))
            began = now = time.perf_counter()
            done = 0
            while True:
                if place + at_once > len(keys):
                    place = 0
                chosen = keys[place : place + at_once]
                work(calls, chosen, given, keys)
                done += len(chosen)
                place += at_once
                before, now = now, time.perf_counter()
                if now - began >= seconds:
                    break
                if now - before < _SECONDS_BETWEEN_LOOKS / 2 and 2 * at_once <= len(keys):
                    at_once *= 2
        finally:
            gc.enable()
        self._at_once[what] = at_once
        return done / (now - began), done


def _get(calls: Calls, chosen: Sequence[str], given: Any, keys: Sequence[str]) -> None:
    get = calls.get
    for key in chosen:
        get(key)


def _set(calls: Calls, chosen: Sequence[str], given: Any, keys: Sequence[str]) -> None:
    keep = calls.set
    for key in chosen:
        keep(key, given)


def _mixed(calls: Calls, chosen: Sequence[str], given: Any, keys: Sequence[str]) -> None:
    get, keep = calls.get, calls.set
    for start in range(0, len(chosen), 10):
        ten = chosen[start : start + 10]
        keep(ten[0], given)
        for key in ten[1:]:
            get(key)


def _increment(calls: Calls, chosen: Sequence[str], given: Any, keys: Sequence[str]) -> None:
    increment = calls.increment
    assert increment is not None
    for _ in chosen:
        increment()


def _get_many(calls: Calls, chosen: Sequence[str], given: Any, keys: Sequence[str]) -> None:
    get_many = calls.get_many
    assert get_many is not None
    hundred = keys[:MANY]
    for _ in chosen:
        get_many(hundred)


_WORK: dict[str, Callable[[Calls, Sequence[str], Any, Sequence[str]], None]] = {
    GET: _get,
    SET: _set,
    MIXED: _mixed,
    INCREMENT: _increment,
    GET_MANY: _get_many,
}


def _serve(connection: Connection, places: Places, number: int, keys: int) -> None:
    store_subjects.configure_django(places)
    caller = _Caller(places, number, keys)
    gc.freeze()
    connection.send(NUMBER)
    while True:
        try:
            name, *arguments = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            answer = getattr(caller, name)(*arguments)
        except Exception as error:  # noqa: BLE001 - each store has its own
            text = str(error).partition("\n")[0]
            answer = Failed(f"{type(error).__name__}: {text}"[:100])
        connection.send(answer)
