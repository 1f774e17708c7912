"""What the client does to a server: a storm of mixed requests, and interleavings by force."""

import asyncio
import itertools
import json
import random
import time
from collections.abc import Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.client import TIMEOUT_SECONDS, Connection, Reply, pipeline
from tests.conformance.places import BY_NAME, Place
from tests.conformance.servers import Server
from tests.conformance.verdict import Sent

# hypercorn keeps what a connection held for its five seconds of keep-alive.
SETTLE_SECONDS = 15.0
BIG_BODY = b"x" * 600_000


@dataclass
class Leak:
    """What a server's processes held when all was over: {pid: (scopes, requests)}."""

    by_process: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def scopes(self) -> int:
        return sum(scopes for scopes, _ in self.by_process.values())

    @property
    def requests(self) -> int:
        return sum(requests for _, requests in self.by_process.values())


@dataclass
class Traffic:
    """Requests to one server, remembered with what was wrong in the replies."""

    server: Server
    port: int
    seed: int
    sent: list[Sent] = field(default_factory=list)
    wrong: list[tuple[str, str]] = field(default_factory=list)  # place, what was wrong
    requests: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._numbers: Iterator[int] = itertools.count(1)
        rows = self.server.rows()
        self._ordinary = BY_NAME["sync_view" if "sync_view" in rows else "async_view"]

    async def storm(self, places: Iterable[Place], times: float) -> None:
        """All places, shuffled, `times` their usual number, over kept and over new connections."""
        jobs = [place for place in places for _ in range(max(1, round(place.requests * times)))]
        self._random.shuffle(jobs)
        queue = iter(jobs)
        width = min(12, self.server.together)
        await _together(self._visitor(queue, keeps=number % 2 == 0) for number in range(width))

    async def _visitor(self, queue: Iterator[Place], *, keeps: bool) -> None:
        connection = self.connection()
        try:
            for place in queue:
                await self.visit(place, connection)
                if not keeps:
                    connection.close(reset=self._random.random() < 0.3)
        finally:
            connection.close()

    async def visit(self, place: Place, connection: Connection) -> None:
        """One visit to a place, in its own way."""
        if place.how == "pipeline":
            await self._pipeline(place)
        elif place.how == "post":
            await self._post(place)
        elif place.how == "leave":
            await self._leave(place)
        elif place.how == "leave_view":
            await self._leave_view(place)
        else:
            method = "HEAD" if place.how == "head" else "GET"
            reply = await self._request(place, self.marker(), connection, method)
            if place.how == "leave_after" and reply.status:
                connection.close(reset=True)

    def connection(self) -> Connection:
        return Connection(self.port, keeps=self.server.keeps)

    def marker(self, *, held: bool = False) -> str:
        return f"{self.server.name}-{next(self._numbers)}{'-held' if held else ''}"

    async def _request(
        self, place: Place, marker: str, connection: Connection, method: str = "GET"
    ) -> Reply:
        self._note(place, marker)
        # Some servers neither finish nor close after an error in mid-body: then the client goes.
        patience = TIMEOUT_SECONDS
        if place.how == "broken":
            patience = 2.0 if marker.endswith("-held") else 0.5
        reply = await connection.get(f"/at/{place.name}/{marker}/", method, seconds=patience)
        if place.how != "broken" and (reply.status not in place.status or not reply.complete):
            self.wrong.append((place.name, f"{marker} was answered with {reply.status}"))
        return reply

    def _note(self, place: Place, marker: str) -> None:
        self.requests += 1
        self.sent.append(Sent(place.name, marker))

    async def _control(self, what: str, connection: Connection | None = None) -> bytes:
        """A request on the client's own behalf: another one that passes all middleware."""
        self.requests += 1
        own = connection or self.connection()
        try:
            view, _, rest = what.partition("/")
            reply = await own.get(f"/at/{view}/{self.marker()}/{rest}")
            return reply.body
        finally:
            if connection is None:
                own.close()

    async def hold_and_pass(self, places: Iterable[Place], width: int) -> None:
        """At each place one request stands still while others come, end, and are gone."""
        remaining = [place for place in places if place.holds and not place.ambient]
        while remaining:
            batch, remaining = remaining[:width], remaining[width:]
            held = [(place, self.marker(held=True)) for place in batch]
            connections = [self.connection() for _ in batch]
            standing = [
                asyncio.create_task(self._request(place, marker, connection, _method_of(place)))
                for (place, marker), connection in zip(held, connections, strict=True)
            ]
            kept = self.connection()
            for place, marker in held:
                await self._until_waiting(place, marker, kept)
            for place in batch:
                await self._request(place, self.marker(), kept, _method_of(place))
            for _, marker in held:
                await self._control(f"let_go/{marker}/", kept)
            await asyncio.gather(*standing)
            for connection in (kept, *connections):
                connection.close()

    async def _until_waiting(self, place: Place, marker: str, connection: Connection) -> None:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if await self._control(f"is_waiting/{marker}/", connection) == b"yes":
                return
            await asyncio.sleep(0.005)
        self.wrong.append((place.name, f"{marker} never arrived where it should wait"))

    async def keep_alive(self, connections: int = 10, each: int = 5) -> None:
        """Requests one after another on the same connection, and the same at its side."""

        async def one() -> None:
            connection = self.connection()
            for _ in range(each):
                await self._request(self._ordinary, self.marker(), connection)
            connection.close()

        await _together(one() for _ in range(min(connections, self.server.together)))

    async def pipelines(self, times: int = 30) -> None:
        """Pipelined requests with nobody beside them: the next starts while one still ends."""
        for _ in range(times):
            await self._pipeline(BY_NAME["pipelined"])

    async def _pipeline(self, place: Place) -> None:
        markers = [self.marker() for _ in range(5)]
        for marker in markers:
            self._note(place, marker)
        try:
            replies = await pipeline(
                self.port, [f"/at/{place.name}/{marker}/" for marker in markers]
            )
        except Exception as error:
            self.wrong.append((place.name, f"pipelining {markers[0]}…: {error!r}"))
            return
        for marker, reply in zip(markers, replies, strict=True):
            if reply.body.decode() != marker:
                self.wrong.append((place.name, f"{marker} was answered with {reply}"))

    async def _post(self, place: Place) -> None:
        connection = self.connection()
        marker = self.marker()
        self._note(place, marker)
        reply = await connection.get(f"/at/{place.name}/{marker}/", "POST", BIG_BODY)
        if reply.body != b"%d" % len(BIG_BODY):
            self.wrong.append((place.name, f"{marker} was answered with {reply}"))
        for _ in range(4):
            await self._request(self._ordinary, self.marker(), connection)
        connection.close()

    async def _leave(self, place: Place) -> None:
        """Read the first bytes of a body and go."""
        connection, marker = self.connection(), self.marker()
        self._note(place, marker)
        await connection.send(f"/at/{place.name}/{marker}/")
        try:
            await connection.some_body()
        finally:
            connection.close(reset=True)
        await asyncio.sleep(0.03)
        await self.collect(1)

    async def _leave_view(self, place: Place) -> None:
        """Go while the view is at work."""
        connection, marker = self.connection(), self.marker(held=self.server.together > 1)
        self._note(place, marker)
        await connection.send(f"/at/{place.name}/{marker}/")
        if self.server.together > 1:
            await self._until_waiting(place, marker, own := self.connection())
            connection.close(reset=True)
            await asyncio.sleep(0.02)
            await self._control(f"let_go/{marker}/", own)
            own.close()
        connection.close(reset=True)

    async def collect(self, times: int = 3) -> None:
        """Let the garbage collector run in the middle of other requests."""
        for _ in range(times):
            await self._control("collect")

    @property
    def bearable(self) -> int:
        """How many requests the server itself may keep."""
        broken = sum(BY_NAME[sent.place].how == "broken" for sent in self.sent)
        return broken if self.server.keeps_failed else 0

    async def leak(self) -> Leak:
        """Ask until nothing is held any more, or the time is over."""
        deadline = time.monotonic() + SETTLE_SECONDS
        found = Leak()
        while time.monotonic() < deadline:
            report = json.loads(await self._control("report") or b"{}")
            if report:
                found.by_process[report["pid"]] = (report["scopes"], report["requests"])
            complete = len(found.by_process) >= self.server.workers
            if complete and not found.scopes and found.requests <= self.bearable:
                break
            await asyncio.sleep(0.05)
        return found


def _method_of(place: Place) -> str:
    return "HEAD" if place.how == "head" else "GET"


async def _together(jobs: Iterable[Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(job)
