"""Tells runs by hand: who asked when, what each waited for, and what the server did meanwhile."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from holdfast.probe.change import Change
from holdfast.probe.events import Count, Kept, Load, Process, Served, Span
from holdfast.probe.run import Asked, Crossed, Run

PID = 7
#: When the users come; what ran alone did so before.
START = 100.0


class Telling:
    """A run in the making. Times are seconds after the users came."""

    def __init__(self, users: int = 10, server: str = "gunicorn", name: str = "as it is") -> None:
        self.made = Run(name, users)
        self.made.processes = [Process(PID, 1, 0.0, server=server)]
        self._alone = 0

    def alone(self, seconds: float = 0.2, path: str = "/", cpu: float = 0.002) -> "Telling":
        for _ in range(3):
            sent = 10.0 + self._alone
            name = f"r-alone-{self._alone}"
            self._alone += 1
            self.made.alone = [
                *self.made.alone,
                Asked(name, -1, "GET", path, sent, sent + seconds, status=200),
            ]
            self.served(name, sent, sent + seconds, cpu=cpu)
        return self

    def user(  # noqa: PLR0913 - a request has many sides
        self,
        number: int,
        sent: float,
        done: float,
        *,
        entered: float | None = None,
        path: str = "/",
        status: int = 200,
        error: str = "",
        pid: int = PID,
        cpu: float | None = 0.002,
    ) -> str:
        """A user's request; *entered* None: as soon as it was sent. Its name."""
        name = f"r-{number}-{len(self.made.together)}"
        sent, done = START + sent, START + done
        self.made.together = [
            *self.made.together,
            Asked(name, number, "GET", path, sent, done, status=status, error=error),
        ]
        if status:
            self.served(name, sent if entered is None else START + entered, done, pid=pid, cpu=cpu)
        return name

    def served(
        self, name: str, entered: float, left: float, *, pid: int = PID, cpu: float | None = 0.002
    ) -> None:
        served = Served(name, pid, "thread 1", entered, left, cpu=cpu)
        self.made.served = [*self.made.served, served]

    def span(  # noqa: PLR0913 - and a span has more
        self,
        request: str,
        kind: str,
        name: str,
        begun: float,
        ended: float,
        *,
        place: str = "",
        holder: str = "",
        stack: Sequence[str] = (),
        pid: int = PID,
        **detail: Any,
    ) -> "Telling":
        one = Span(
            request,
            pid,
            kind,
            name,
            START + begun,
            START + ended,
            place=place,
            holder=holder,
            stack=tuple(stack),
            detail=detail,
        )
        self.made.spans = [*self.made.spans, one]
        return self

    def load(self, begun: float, ended: float, cpu: float, **numbers: Any) -> "Telling":
        numbers = {"working": 1, **numbers}
        one = Load(numbers.pop("pid", PID), START + begun, START + ended, cpu, **numbers)
        self.made.loads = [*self.made.loads, one]
        return self

    def count(self, at: float, requests: int, threads: int, connections: int = 1) -> "Telling":
        self.made.counts = [*self.made.counts, Count(PID, at, threads, connections, requests)]
        return self

    def kept(self, path: str, count: int, at: float = 0.0) -> "Telling":
        self.made.kept = [*self.made.kept, Kept(PID, at, "WSGIRequest", path, count, ("r-1-0",))]
        return self

    def crossed(self, owner: str, seer: str, where: str, place: str = "") -> "Telling":
        one = Crossed("query", owner, seer, where, "...hf123...", place)
        self.made.crossed = [*self.made.crossed, one]
        return self


def turns(users: int, seconds: float = 0.2) -> Iterator[tuple[int, float, float]]:
    """Each user in turn: number, when his turn begins, and when it ends."""
    for number in range(users):
        yield number, number * seconds, (number + 1) * seconds


def at_once(users: int = 10, seconds: float = 0.21, name: str = "changed") -> Run:
    """Nobody waits for anybody."""
    telling = Telling(users, name=name).alone()
    for number in range(users):
        telling.user(number, 0.0, seconds)
    return telling.made


def one_worker(users: int = 10) -> Telling:
    """They wait before the application, and each is alone in it."""
    telling = Telling(users).alone()
    for number, begun, ended in turns(users):
        telling.user(number, 0.0, ended, entered=begun)
    return telling


def one_lock(users: int = 10, place: str = "shop/locks.py:9") -> Telling:
    """All are let in at once, and then each has the lock in turn."""
    telling = Telling(users).alone()
    before = ""
    for number, begun, ended in turns(users):
        name = telling.user(number, 0.0, ended)
        telling.span(name, "view", "shop.locks.ticket", 0.0, ended)
        telling.span(name, "lock", "threading.Lock", 0.0, begun, place=place, holder=before)
        telling.span(name, "sample", "shop.locks.ticket", begun, ended, place="shop/locks.py:21")
        before = name
    return telling


class Reruns:
    """What comes out when it is run again, and what was asked for."""

    def __init__(self, answer: Callable[[Change], Run]) -> None:
        self._answer = answer
        self.asked: list[tuple[str, Change]] = []

    def __call__(self, change: Change, name: str) -> Run:
        self.asked.append((name, change))
        run = self._answer(change)
        run.name = name
        return run
