"""What a case is given: a server that runs, and users for it."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeVar

from demonstration.visitor import Visitor

T = TypeVar("T")
R = TypeVar("R")


@dataclass
class Site:
    """One variant of the example, served by a real server.

    Attributes:
        variant: "before" or "after"; keeps the data of the two apart.
        port: where the Django project answers.
        basket_port: where the plain application answers.
        basket_log: the file that the plain application's workers write their log to.
        is_async: whether it is an ASGI server, so whether to go to the async views.
        random: for all that is to vary. Draw from it before users start, not in their threads.
    """

    variant: str
    port: int
    basket_port: int
    basket_log: Path
    is_async: bool
    random: Random

    def visitor(self, *, basket: bool = False) -> Visitor:
        """Somebody new, with a connection of their own."""
        return Visitor(self.basket_port if basket else self.port)


def at_once(visit: Callable[[T], R], users: Iterable[T]) -> list[R]:
    """Run *visit* for each of *users*, all at the same time, a thread each."""
    users = list(users)
    with ThreadPoolExecutor(max_workers=len(users)) as threads:
        return list(threads.map(visit, users))
