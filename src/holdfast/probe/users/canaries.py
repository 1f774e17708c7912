"""Looks for markers of one user in what another one is given.

No false alarm is accepted: who logs in with the same account is the same person; a page of errors
that shows the process's insides on purpose is left alone; and what was posted in a body may be
shown to all, so it counts only where an answer has another's instead of one's own.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from .. import markers
from ..run import Crossed

#: Longer than any marker, also as base64, with its surroundings.
_OVERLAP = 256
_AROUND = 40
#: So many are enough to be told of.
_MOST = 1000
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+")
_WORD = re.compile(r"[A-Za-z0-9]{24,}")
_SESSION_COOKIE = re.compile(r"sess|csrf|xsrf|^sid$", re.IGNORECASE)
#: Django's and Werkzeug's pages for developers.
_SHOWS_INSIDES = ("DEBUG = True", "The debugger caught an exception")
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class _Found:
    kind: str
    owner: str
    where: str
    text: str


class Canaries:
    """All markers of a run, and who saw whose.

    Args:
        run: see `markers.new_run`.
        person: who a user is, by its number: users of one account are one person.
    """

    def __init__(self, run: str, person: Callable[[int], object]) -> None:
        self._run = run
        self._person = person
        self._pattern = re.compile(markers.pattern(run))
        self._start = f"hf{run}"
        self._coded = tuple(_base64_of(self._start))
        self._secrets: dict[str, str] = {}
        self._steps: dict[str, object] = {}
        self._crossed: dict[tuple[str, str, str, str], Crossed] = {}

    @property
    def crossed(self) -> list[Crossed]:
        """What was seen."""
        return list(self._crossed.values())

    def reader(self, request: str, step: object) -> Reader:
        """For the answer to a request, which is about to be sent."""
        self._steps[request] = step
        return Reader(self, request)

    def cookie(self, request: str, name: str, value: str) -> _Found | None:
        """A cookie that came with an answer: the first who is given a session's key owns it."""
        if not _SESSION_COOKIE.search(name) or not _WORD.fullmatch(value):
            return None
        owner = self._secrets.setdefault(value, request)
        if self.same(owner, request):
            return None
        return _Found("login", owner, "header Set-Cookie of the answer", f"{name}={value[:6]}…")

    def secret(self, request: str, value: str) -> None:
        """A token that a user was given at its login."""
        for word in _WORD.findall(value):
            self._secrets.setdefault(str(word), request)

    def alike(self, one: str, other: str) -> bool:
        """Whether two requests asked for the same."""
        return self._steps.get(one) == self._steps.get(other)

    def same(self, one: str, other: str) -> bool:
        """Whether two requests are of the same person."""
        return self._whose(one) == self._whose(other)

    def _whose(self, request: str) -> object:
        user = markers.user_of(request)
        return self._person(-1 if user == markers.ALONE else int(user))

    def found(self, where: str, text: str) -> Iterator[_Found]:
        """All markers in a text, also the reader's own."""
        for plain, around in self._texts(text):
            for match in self._pattern.finditer(plain):
                kind, owner = markers.read(self._run, match)
                yield _Found(kind, owner, where, _surroundings(around, match.span()))
        for match in _WORD.finditer(text) if self._secrets else ():
            owner = self._secrets.get(match[0], "")
            if owner:
                start, end = match.span()
                before, after = text[max(0, start - _AROUND) : start], text[end : end + 8]
                yield _Found("login", owner, where, _shortened(f"{before}{match[0][:6]}…{after}"))

    def _texts(self, text: str) -> Iterator[tuple[str, str]]:
        """The text in small letters, and what in it is coded as base64."""
        small = text.lower()
        if self._start in small:
            yield small, text
        for needle, back in self._coded:
            place = text.find(needle)
            while place >= 0:
                coded = _BASE64.match(text, max(0, place - back))
                if coded is not None:
                    decoded = _decoded(coded[0])
                    yield decoded.lower(), decoded
                place = text.find(needle, place + len(needle))

    def tell(self, request: str, found: Iterable[_Found]) -> None:
        """What a person saw: kept, where it is another's."""
        for one in found:
            if self.same(one.owner, request) or len(self._crossed) >= _MOST:
                continue
            key = (one.kind, one.owner, request, one.where)
            self._crossed.setdefault(
                key, Crossed(one.kind, one.owner, request, one.where, one.text)
            )

    def read_log(self, log: str) -> None:
        """A line that mixes two users' requests: one's query with the other's header.

        A line that has the same kind of marker of both is a list of requests, and may be one.
        """
        for line in log.splitlines() if self._start in log.lower() else ():
            kinds: dict[str, set[str]] = {}
            seen = list(self.found("the server's output", line))
            for each in seen:
                kinds.setdefault(each.owner, set()).add(each.kind)
            if len(kinds) == 2:  # noqa: PLR2004 - both
                (one, its), (other, others) = kinds.items()
                if not its & others:
                    self.tell(other, [each for each in seen if each.owner == one])


@dataclass(slots=True)
class Reader:
    """Reads one answer, as its parts come."""

    _canaries: Canaries
    _request: str
    _found: list[_Found] = field(default_factory=list)
    _rest: str = ""
    _shows_insides: bool = False

    def headers(
        self, headers: Iterable[tuple[str, str]], cookies: Iterable[tuple[str, str]]
    ) -> None:
        """The answer's head."""
        for name, value in headers:
            self._found += self._canaries.found(f"header {name} of the answer", f"{name}: {value}")
        for name, value in cookies:
            handed_on = self._canaries.cookie(self._request, name, value)
            if handed_on is not None:
                self._found.append(handed_on)

    def body(self, chunk: bytes) -> None:
        """The next part of the body. What is cut in two by parts is seen whole."""
        text = self._rest + chunk.decode("latin-1")
        self._found += self._canaries.found("body of the answer", text)
        self._shows_insides |= any(words in text for words in _SHOWS_INSIDES)
        self._rest = text[-_OVERLAP:]

    def end(self, status: int) -> None:
        """The answer has ended."""
        found = self._found
        if status >= _SERVER_ERROR and self._shows_insides:
            found = [one for one in found if not one.where.startswith("body")]
        own_body = any(one.kind == "body" and one.owner == self._request for one in found)
        self._canaries.tell(
            self._request,
            [
                one
                for one in found
                if one.kind != "body"
                or (not own_body and self._canaries.alike(one.owner, self._request))
            ],
        )


def _base64_of(start: str) -> Iterator[tuple[str, int]]:
    """How a text looks within base64, by where it begins; and how far before it a group begins."""
    for before, back in ((0, 0), (1, 2), (2, 3)):
        coded = base64.b64encode(b"\0" * before + start.encode()).decode().rstrip("=")
        whole = (before + len(start)) * 8 // 6
        yield coded[back:whole], back


def _decoded(coded: str) -> str:
    # One letter over is no whole byte; two and three lack what fills them up.
    whole = coded[: len(coded) - (len(coded) % 4 == 1)].translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(whole + "=" * (-len(whole) % 4)).decode("latin-1")
    except binascii.Error:
        return ""


def _surroundings(text: str, span: tuple[int, int]) -> str:
    return _shortened(text[max(0, span[0] - _AROUND) : span[1] + _AROUND])


def _shortened(text: str) -> str:
    return " ".join(text.split())
