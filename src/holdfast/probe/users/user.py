"""One user: a session, connections and markers of its own."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from types import TracebackType
from typing import Self
from urllib.parse import quote

import aiohttp
from yarl import URL

from .. import markers
from ..events import HEADER
from ..run import Asked
from .address import Address
from .canaries import Canaries, Reader
from .plan import Account, Plan, Step

#: A header that nobody else uses.
CANARY = "X-Holdfast-Canary"
_COOKIE = "holdfast_canary"
_QUERY = "holdfast_canary"
_AGENT = f"holdfast-probe/{version('holdfast')}"
#: From such a pause on, browsers and servers would have closed the connection.
_LONG_PAUSE = 1.0
_WITHOUT_END = "text/event-stream"
_LONGEST_LINE = 65_536
_TYPED = "%/?:@!$&'()*+,;=~[]-._"
_TOKEN = re.compile(r"""name=["']csrfmiddlewaretoken["']\s+value=["']([A-Za-z0-9]+)["']""")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came, and where it sends the user to."""

    asked: Asked
    location: str = ""


class User:
    """One user.

    Args:
        number: -1: who asks alone.
        plan: what to do.
        address: where.
        run: see `markers.new_run`.
        canaries: looks at the answers.
    """

    def __init__(
        self, number: int, plan: Plan, address: Address, run: str, canaries: Canaries
    ) -> None:
        self.number = number
        self.account: Account | None = plan.account(number)
        self.address = address
        #: Further headers, from the login.
        self.headers: dict[str, str] = {}
        self._plan = plan
        self._run = run
        self._canaries = canaries
        self._asked = 0
        self._jar = aiohttp.CookieJar(
            unsafe=True, treat_as_secure_origin=[URL(address.url).origin()]
        )
        self.session = self._session()

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=self.address.connector(closing=max(self._plan.think) >= _LONG_PAUSE),
            cookie_jar=self._jar,
            timeout=aiohttp.ClientTimeout(total=self._plan.timeout),
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
            headers={
                "User-Agent": _AGENT,
                "Accept-Encoding": "gzip, deflate",
                "Host": self.address.host_header,
            },
        )

    async def reconnect(self) -> None:
        """Begin with a connection that isn't there yet; who is logged in stays so."""
        before, self.session = self.session, self._session()
        await before.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.session.close()

    async def prepare(self, step: Step) -> None:
        """Get what Django wants back with a form: its token."""
        if step.is_safe or "X-CSRFToken" in self.headers:
            return
        try:
            async with self.session.get(
                self.address.url + step.path, headers=self._headers({})
            ) as page:
                text = await page.text(errors="replace")
        except (aiohttp.ClientError, OSError):
            return
        found = _TOKEN.search(text)
        for cookie in self.session.cookie_jar:
            if "csrf" in cookie.key.lower() or "xsrf" in cookie.key.lower():
                self.headers["X-CSRFToken"] = self.headers["X-XSRF-TOKEN"] = cookie.value
        if found is not None:
            self.headers["X-CSRFToken"] = found[1]

    async def ask(self, step: Step, *, more: bool = False) -> Answer:
        """Make a request, and read its answer to the end, or as long as the plan says.

        Args:
            step: what to ask.
            more: with markers in the query and in a cookie, where the plan has these.
        """
        number, self._asked = self._asked, self._asked + 1
        request = markers.request_of(self._run, self.number, number)
        reader = self._canaries.reader(request, step)
        sent = time.monotonic()
        first_byte: float | None = None
        status = size = 0
        error = location = ""
        try:
            async with self.session.request(
                step.method,
                self._url(step, number, more=more),
                headers=_typed(self._headers(step.headers, request, number, more=more), step.body),
                data=self._filled(step.body, "body", number).encode() or None,
                allow_redirects=False,
            ) as answer:
                first_byte = time.monotonic()
                status = answer.status
                location = answer.headers.get("Location", "")
                cookies = [(name, cookie.value) for name, cookie in answer.cookies.items()]
                reader.headers(answer.headers.items(), cookies)
                size = await _body(answer, reader)
                # An endless answer is left as soon as it has begun; others have ended here.
                if answer.content_type == _WITHOUT_END:
                    answer.close()
        except TimeoutError:
            within = f"within {self._plan.timeout:g} s"
            what = "no answer" if first_byte is None else "the answer did not end"
            error = f"{what} {within}"
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            error = _said(failure, begun=first_byte is not None)
        done = time.monotonic()
        reader.end(status)
        asked = Asked(
            request,
            self.number,
            step.method,
            step.path,
            sent,
            done,
            first_byte,
            status,
            size,
            error,
        )
        return Answer(asked, location)

    def _url(self, step: Step, number: int, *, more: bool) -> URL:
        path = self._filled(step.path, "query", number)
        if more and "query" in self._plan.canaries:
            path += f"{'&' if '?' in path else '?'}{_QUERY}={self._marker('query', number)}"
        # As it was typed, but for what can't stand in a request.
        return URL(self.address.url + quote(path, safe=_TYPED), encoded=True)

    def _headers(
        self,
        own: Mapping[str, str],
        request: str = "",
        number: int = 0,
        *,
        more: bool = False,
    ) -> dict[str, str]:
        headers = dict(self.headers)
        if self.address.scheme == "https":
            headers["Referer"] = self.address.url + "/"
        if request:
            headers[HEADER] = request
            if "header" in self._plan.canaries:
                mark = self._marker("header", number)
                headers[CANARY] = mark
                headers["User-Agent"] = f"{_AGENT} ({mark})"
            if more and "cookie" in self._plan.canaries:
                self.session.cookie_jar.update_cookies(
                    {_COOKIE: self._marker("cookie", number)}, URL(self.address.url)
                )
        for name, value in {**self._plan.headers, **own}.items():
            headers[name] = self._filled(value, "header", number)
        return headers

    def _filled(self, text: str, kind: str, number: int) -> str:
        if "{" not in text:
            return text
        if "{marker}" in text:
            mark = self._marker(kind, number) if kind in self._plan.canaries else "marker"
            text = text.replace("{marker}", mark)
        if self.account is not None:
            text = text.replace("{name}", self.account.name)
            text = text.replace("{password}", self.account.password)
        return text

    def _marker(self, kind: str, number: int) -> str:
        return markers.marker(self._run, kind, self.number, number)


async def _body(answer: aiohttp.ClientResponse, reader: Reader) -> int:
    size = 0
    async for chunk in answer.content.iter_any():
        size += len(chunk)
        reader.body(chunk)
        if answer.content_type == _WITHOUT_END:
            break
    return size


def _typed(headers: dict[str, str], body: str) -> dict[str, str]:
    """With the body's type, where the plan doesn't say it."""
    if not body or any(name.lower() == "content-type" for name in headers):
        return headers
    is_json = body.lstrip()[:1] in {"{", "["}
    kind = "application/json" if is_json else "application/x-www-form-urlencoded"
    return {**headers, "Content-Type": kind}


def _said(failure: Exception, *, begun: bool) -> str:
    """What went wrong, in few words."""
    if begun:
        return "the answer broke off"
    if isinstance(failure, aiohttp.ServerDisconnectedError):
        return "the connection was closed without an answer"
    if isinstance(failure, aiohttp.ClientConnectorError):
        return f"no connection: {failure.strerror or failure.os_error}"
    if isinstance(failure, ConnectionResetError | aiohttp.ClientOSError):
        return "the connection was reset"
    return f"no HTTP answer: {type(failure).__name__}"
