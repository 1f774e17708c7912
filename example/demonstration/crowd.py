"""Many users of one address, from a process of their own: `python -m demonstration.crowd --help`.

Each user has a connection, asks, waits for the answer, and asks again. Once all of them are there,
what is answered within so many seconds is counted. Prints what it saw as JSON.
"""

import argparse
import asyncio
import json
import math
import statistics
import sys
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

#: So many users come each second, at most: servers queue no more than some thousand connections.
USERS_A_SECOND = 1500
#: A token as an API's users send it, signed by nobody, whose subject is "acme".
TOKEN = "e30.eyJzdWIiOiJhY21lIn0.e30"  # noqa: S105


@dataclass
class Crowd:
    """All users, and what they saw.

    Attributes:
        path: what they ask for; the name of the request is added to it.
        answers: of each answered request the name, when it was asked, and the seconds it took.
        failed: how many connections broke, and answers weren't 200.
    """

    port: int
    path: str
    users: int
    seconds: float
    settle_seconds: float
    patience_seconds: float = 30.0
    stopping: bool = False
    answers: list[tuple[str, float, float]] = field(default_factory=list)
    failed: int = 0

    async def visit(self) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        coming = [asyncio.create_task(self._come(loop, user)) for user in range(self.users)]
        everybody = await asyncio.gather(*coming)
        await asyncio.sleep(self.settle_seconds)
        began = time.perf_counter()
        await asyncio.sleep(self.seconds)
        ended = time.perf_counter()
        self.stopping = True
        # Who waits for an answer still gets it: the server's log has it, too.
        with suppress(TimeoutError):
            async with asyncio.timeout(self.patience_seconds):
                # Polled, so that answers cost nothing more.
                while any(user.name for user in everybody if user is not None):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        for user in everybody:
            if user is not None:
                user.leave()
        return self._seen(began, ended)

    async def _come(self, loop: asyncio.AbstractEventLoop, number: int) -> "User | None":
        # Spread over whole seconds, so that a view that awaits one has them evenly, too.
        await asyncio.sleep(number / self.users * math.ceil(self.users / USERS_A_SECOND))
        try:
            _, user = await loop.create_connection(
                lambda: User(self, number), "127.0.0.1", self.port
            )
        except OSError:
            self.failed += 1
            return None
        return user

    def _seen(self, began: float, ended: float) -> dict[str, Any]:
        counted = [took for _, asked, took in self.answers if began <= asked + took <= ended]
        return {
            "seconds": ended - began,
            "answered": len(counted),
            "failed": self.failed,
            "median_ms": statistics.median(counted) * 1000 if counted else None,
            "longest_ms": max(counted) * 1000 if counted else None,
            "took": {name: took for name, _, took in self.answers},
        }


class User(asyncio.Protocol):
    """One connection, which is kept; `name` is that of the request that is under way."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        self.crowd = crowd
        self.number = number
        self.turn = 0
        self.name = ""
        self.asked = 0.0
        self.received = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        self.name = f"{self.number}-{self.turn}"
        self.turn += 1
        self.received = b""
        head = f"Host: 127.0.0.1\r\nUser-Agent: crowd\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        self.asked = time.perf_counter()
        self.transport.write(f"GET {self.crowd.path}&name={self.name} HTTP/1.1\r\n{head}".encode())

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self.crowd.failed += 1
            self.leave()
        elif _is_whole(head, body):
            took = time.perf_counter() - self.asked
            self.crowd.answers.append((self.name, self.asked, took))
            self.name = ""
            if not self.crowd.stopping:
                self.ask()

    def connection_lost(self, error: Exception | None) -> None:
        if self.name:
            self.crowd.failed += 1
            self.name = ""

    def leave(self) -> None:
        self.name = ""
        self.transport.close()


def _is_whole(head: bytes, body: bytes) -> bool:
    length = head.lower().partition(b"\r\ncontent-length:")[2].split(b"\r\n", 1)[0]
    # Without a length it comes in chunks, of which the last is empty.
    return len(body) >= int(length) if length else body.endswith(b"0\r\n\r\n")


def allow_connections(count: int) -> None:
    """Raise the limit of open files as far as *count* connections need it.

    Servers that are started afterwards have it, too. Raises OSError, where the system forbids that.
    """
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 200
    if soft >= wanted or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise OSError(f"{count:,} users need {wanted:,} open files, and the system allows {hard:,}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def run(main: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """By the quicker event loop, where it is installed: users shouldn't be what is slow."""
    with suppress(ImportError):
        import uvloop

        return uvloop.run(main)  # type: ignore[no-any-return]
    return asyncio.run(main)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demonstration.crowd", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--path", default="/quote/?seconds=1", help="with a query")
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long to count")
    parser.add_argument(
        "--settle", type=float, default=1.5, metavar="SECONDS", help="how long to wait before"
    )
    parser.add_argument(
        "--patience", type=float, default=30.0, metavar="SECONDS", help="for the last answers"
    )
    return parser


def main() -> int:
    given = _parser().parse_args()
    allow_connections(given.users)
    crowd = Crowd(given.port, given.path, given.users, given.seconds, given.settle, given.patience)
    json.dump(run(crowd.visit()), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
