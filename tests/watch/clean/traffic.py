"""Users of the example, over kept connections: as little work for us as that takes."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlencode

#: Seconds that an answer may take, on a machine that others use, too.
PATIENCE = 60.0

#: What users of the newsroom ask for, and how often. `{}` is an article.
READS = (
    ("/", 6),
    ("/health/", 20),
    ("/announcements/view2/", 20),
    ("/labels/", 4),
    ("/articles/", 4),
    ("/articles/{}/", 8),
    ("/articles/{}/comments.txt", 4),
    ("/reading/", 10),
    ("/reading/{}/", 14),
    ("/api/articles/", 3),
    ("/api/articles/{}/", 6),
)
#: How many of a hundred requests change something.
WRITES = 1


class BrokenOffError(Exception):
    """The connection ended before the answer did."""


@dataclass
class Tally:
    """What was asked and answered.

    Attributes:
        asked: by path.
        statuses: how often each was the answer.
        wrong: answers that were not what they had to be.
        broken: connections that broke and were made anew.
    """

    asked: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    broken: int = 0

    @property
    def requests(self) -> int:
        return sum(self.asked.values())


class User:
    """One user with a connection and cookies."""

    def __init__(self, port: int, name: str, tally: Tally) -> None:
        self._port = port
        self._name = name
        self._tally = tally
        self._cookies = {"csrftoken": "c" * 32}
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> str:
        """Ask, once more if the server has closed the connection meanwhile; the text."""
        for _ in range(3):
            try:
                return await asyncio.wait_for(self._ask(method, path, form), PATIENCE)
            except (OSError, BrokenOffError, asyncio.IncompleteReadError):
                self._tally.broken += 1
                await self.close()
        raise BrokenOffError(f"{method} {path}")

    async def _ask(self, method: str, path: str, form: dict[str, str] | None) -> str:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        body = urlencode(form).encode() if form else b""
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\n"
        if form is not None:
            head += (
                f"X-CSRFToken: {self._cookies['csrftoken']}\r\nContent-Length: {len(body)}\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n"
            )
        writer.write(head.encode() + b"\r\n" + body)
        status, headers = await self._head(reader)
        text = (await self._body(reader, headers)).decode(errors="replace")
        if headers.get("connection", "").lower() == "close":
            await self.close()
        self._tally.statuses[status] += 1
        if status >= 400:
            self._tally.wrong.append(f"{method} {path}: {status} {text[:200]}")
        return text

    async def _head(self, reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
        first = await reader.readline()
        if not first:
            raise BrokenOffError
        headers = {}
        while (line := (await reader.readline()).strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            if name.lower() == "set-cookie":
                cookie, _, what = value.strip().partition("=")
                self._cookies[cookie] = what.partition(";")[0]
            headers[name.lower()] = value.strip()
        return int(first.split()[1]), headers

    @staticmethod
    async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
        if "content-length" in headers:
            return await reader.readexactly(int(headers["content-length"]))
        if headers.get("transfer-encoding") != "chunked":
            return await reader.read()
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return body

    async def close(self) -> None:
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def newsroom(port: int, requests: int, users: int, chance: random.Random) -> Tally:
    """Users who read, and sometimes write, until so many requests were made."""
    tally = Tally()
    paths, weights = zip(*READS, strict=True)

    async def go(number: int) -> None:
        name = f"user{number}"
        user = User(port, name, tally)
        own = random.Random(chance.random())
        await user.ask("POST", "/sign-in/", {"name": name})
        while tally.requests < requests:
            article = own.randint(1, 3)
            if own.randrange(100) < WRITES:
                path = own.choice(["/announcements/view1/", f"/articles/{article}/comment/"])
                tally.asked[path.replace(f"/{article}/", "/{}/")] += 1
                await user.ask("POST", path, {"text": f"from {name}"})
            else:
                path = own.choices(paths, weights)[0]
                tally.asked[path] += 1
                await user.ask("GET", path.format(article))
        await user.close()

    await asyncio.gather(*(go(number) for number in range(users)))
    return tally


async def baskets(port: int, requests: int, users: int, chance: random.Random) -> Tally:
    """Users of the application without a framework; each answer has to be the user's own."""
    tally = Tally()

    async def go(number: int) -> None:
        user = User(port, f"user{number}", tally)
        own = random.Random(chance.random())
        while tally.requests < requests:
            mine = number * 1000 + own.randrange(1000)
            tally.asked["/users/{}"] += 1
            text = await user.ask("GET", f"/users/{mine}?ms={own.choice((0, 0, 0, 0, 1))}")
            if text.strip() != f"The basket of {mine}":
                tally.wrong.append(f"user {mine} was shown {text[:100]!r}")
        await user.close()

    await asyncio.gather(*(go(number) for number in range(users)))
    return tally
