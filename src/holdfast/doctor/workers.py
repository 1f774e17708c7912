"""Several processes that read files; each one judges those whose syntax trees it has."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from types import TracebackType
from typing import Any, Self

from .lifetimes import Lifetimes
from .reader import Indexed, Judged, Listed, Reader

#: Less source text than this is read sooner than a process is started.
_SMALL_BYTES = 300_000
#: Syntax trees are many small objects that live long; the collector would look at them again and
#: again.
_COLLECT_AFTER = 200_000


def processors() -> int:
    """How many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


class Readers:
    """Reads many files, in as many processes as is worth it.

    Args:
        jobs: how many processes at most; 1: no other process than this one.
        told: called with each file that was looked at.

    Use it as a context manager: its processes end with the block.
    """

    def __init__(self, jobs: int, told: Callable[[], None] = lambda: None) -> None:
        self._jobs = jobs
        self._told = told
        self._own = Reader()
        self._workers: list[_Worker] = []
        self._of: dict[str, _Worker] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.dismiss(at_once=kind is not None)
        for worker in self._workers:
            worker.join()

    def index(self, files: Sequence[tuple[Listed, int]]) -> Iterator[Indexed]:
        """The first look at files, given with their sizes in bytes, in any order."""
        if not self._started(sum(size for _, size in files)):
            with patient_collector():
                for listed, _ in files:
                    yield self._own.index(listed)
                    self._told()
            return
        # The largest first, each to the process with the least to do: they end together.
        loads = [0] * len(self._workers)
        shares: list[list[Listed]] = [[] for _ in self._workers]
        for listed, size in sorted(files, key=lambda file: -file[1]):
            place = loads.index(min(loads))
            loads[place] += size + 500
            shares[place].append(listed)
            self._of[listed.name] = self._workers[place]
        for worker, share in zip(self._workers, shares, strict=True):
            worker.ask(("index", share), [listed.name for listed in share])
        for name, answer, problem in self._answers():
            if problem:
                yield Indexed(name, "", b"", problem, 0)
            else:
                yield answer

    def judge(
        self, files: Sequence[tuple[Listed, int]], lifetimes: Lifetimes, indexes: Mapping[str, Any]
    ) -> Iterator[Judged]:
        """The second look at files.

        Args:
            files: with their sizes in bytes.
            lifetimes: what is known of all of them.
            indexes: by their names.
        """
        if not self._started(sum(size for _, size in files)):
            with patient_collector():
                for listed, _ in files:
                    yield self._own.judge(listed, indexes[listed.name], lifetimes)
                    self._told()
            return
        shares: dict[_Worker, list[Listed]] = {worker: [] for worker in self._workers}
        loads = dict.fromkeys(self._workers, 0)
        for listed, size in sorted(files, key=lambda file: -file[1]):
            worker = self._of.get(listed.name)
            if worker is None or worker.dead:
                worker = min(loads, key=loads.__getitem__)
            loads[worker] += size + 500
            shares[worker].append(listed)
        # Made into bytes once; every process gets the same.
        known = pickle.dumps((lifetimes, dict(indexes)), protocol=5)
        for worker, share in shares.items():
            if share:
                names = [listed.name for listed in share]
                worker.ask(("judge", (known, share)), names)
        for name, answer, problem in self._answers():
            if problem:
                yield Judged(name, problem=problem)
            elif isinstance(answer, Judged):
                yield answer

    def _started(self, size: int) -> bool:
        """Whether other processes read; they are started when there is enough to do."""
        if not self._workers and self._jobs > 1 and size > _SMALL_BYTES:
            context = _context()
            wanted = min(self._jobs, 1 + size // _SMALL_BYTES)
            self._workers = [_Worker(context) for _ in range(wanted)]
        self._workers = [worker for worker in self._workers if not worker.dead]
        return bool(self._workers)

    def _answers(self) -> Iterator[tuple[str, Any, str]]:
        """Each file's name and answer, or why there is none, until all have answered."""
        while busy := [worker for worker in self._workers if worker.asked]:
            ready = wait([worker.connection for worker in busy])
            for worker in busy:
                if worker.connection not in ready:
                    continue
                try:
                    answer = worker.connection.recv()
                except (EOFError, OSError):
                    problem = worker.obituary()
                    for name in worker.asked:
                        self._told()
                        yield name, None, problem
                    worker.asked.clear()
                    continue
                worker.asked.discard(answer.name)
                self._told()
                yield answer.name, answer, ""


class _Worker:
    """A process that reads."""

    def __init__(self, context: BaseContext) -> None:
        self.connection, theirs = context.Pipe()
        #: The names of files that it has to answer for.
        self.asked: set[str] = set()
        self.dead = False
        # Typed as a Process by no context in common.
        self._process: Any = context.Process(target=_serve, args=(theirs,), daemon=True)  # type: ignore[attr-defined]
        self._process.start()
        theirs.close()

    def ask(self, what: tuple[str, Any], names: Sequence[str]) -> None:
        self.asked.update(names)
        try:
            self.connection.send(what)
        except OSError:
            pass  # it is dead, and is found to be so when it is listened to

    def obituary(self) -> str:
        self.dead = True
        self._process.join(5)
        return f"the process that read it ended with the status {self._process.exitcode}"

    def dismiss(self, *, at_once: bool) -> None:
        if at_once:
            self._process.terminate()
        self.ask(("end", None), [])
        self.connection.close()

    def join(self) -> None:
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()


def _context() -> BaseContext:
    """How processes are started: forked where that is safe, for it takes a tenth of the time."""
    forks = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if forks else "spawn")


def _serve(connection: Connection) -> None:
    """What a process does: answer, until nobody asks any more."""
    # Ctrl-C is for the process that asks; it ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(_COLLECT_AFTER, 50, 1000)
    reader = Reader()
    try:
        while True:
            what, given = connection.recv()
            if what == "index":
                for listed in given:
                    connection.send(reader.index(listed))
                gc.freeze()
            elif what == "end":
                return
            else:
                known, share = given
                lifetimes, indexes = pickle.loads(known)  # noqa: S301 - from the process that asks
                for listed in share:
                    connection.send(reader.judge(listed, indexes[listed.name], lifetimes))
    except (EOFError, OSError):
        pass
    finally:
        # Taking down trees of a whole project one by one would take longer than reading them.
        os._exit(0)


@contextmanager
def patient_collector() -> Iterator[None]:
    """Have this process's collector look less often while the block runs."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], _COLLECT_AFTER), before[1], before[2])
    try:
        yield
    finally:
        gc.set_threshold(*before)
