"""What a run of a view reads of its request, noted as it reads.

A part is named by a text: `meta:HTTP_ACCEPT`, `query:page`, `cookie:theme`, `session:cart`,
`attribute:tenant`, `language`. Its value is noted as it was when the run read it first, so that
what the run changes itself is not taken for the request's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ...cache.recording import no_recording
from .canonical import NotCanonical, canonical

#: More parts than that are no key any more: each combination would be a page.
MOST_PARTS = 64
_TOO_MANY = f"it reads more than {MOST_PARTS} parts of the request"

#: Parts that say all that parts of a kind could say.
_COVERED_BY = {
    "query": "query-items",
    "session": "session-items",
    "state": "state-items",
}

#: What a part's text is where the request doesn't have it.
ABSENT = "absent"


class Observation:
    """The parts that one run has read.

    Args:
        request: whose parts they are.
        outer: the observation that this one runs inside of: it notes all that this one does.

    Attributes:
        parts: what was read: the values as text, by the names of the parts.
        refusal: why the page can't be stored, or None.
        ambient: what was active when the run began, as text, by the names of the parts.
        of_url: whether the run's URL is in its key anyway, as a page's is and a fragment's is not.
        anywhere: whether it is not, of this run or one around it.
    """

    __slots__ = (
        "ambient",
        "anywhere",
        "of_url",
        "outer",
        "over",
        "parts",
        "refusal",
        "request",
        "written",
    )

    def __init__(
        self, request: Any, outer: Observation | None = None, *, of_url: bool = True
    ) -> None:
        self.request = request
        self.outer = outer
        self.of_url = of_url
        self.anywhere: bool = not of_url or (outer is not None and outer.anywhere)
        self.parts: dict[str, str] = {}
        self.refusal: str | None = None
        self.ambient: dict[str, str] = {}
        # Parts that the run has set itself before it read them.
        self.written: set[str] = set()
        self.over = False

    def note(self, part: str, value: Any) -> None:
        """The run has read *part*, which is *value*."""
        if part in self.parts or part in self.written or self.over or _looking_away.get():
            return
        text = self._text_of(part, value)
        if text is not None:
            self.note_text(part, text)

    def _text_of(self, part: str, value: Any) -> str | None:
        """What *part* is in the key; None: it can't be there, and nothing is kept."""
        try:
            with looking_away():
                return canonical(value, self.request)
        except NotCanonical as error:
            self.refuse(f"it reads {part}, which is {error}: no key can be made of that")
            return None

    def note_absent(self, part: str) -> None:
        """The run has looked for *part*, and the request doesn't have it."""
        if part not in self.parts and part not in self.written and not _looking_away.get():
            self.note_text(part, ABSENT)

    def note_ambient(self, part: str) -> None:
        """The run has asked what is active, which middleware has chosen for the request."""
        if part in self.ambient and part not in self.parts and not _looking_away.get():
            self.note_text(part, self.ambient[part])

    def note_of_url(self, part: str, value: Any) -> None:
        """The run has read *part*, which the URL tells: for those in whose key that is not."""
        text = self._text_of(part, value)
        if text is not None:
            self.note_text_of_url(part, text)

    def note_text_of_url(self, part: str, text: str) -> None:
        """As `note_of_url`, where *text* is what it is in the key."""
        observation: Observation | None = self
        while observation is not None:
            if not observation.of_url and part not in observation.written:
                observation.note_here(part, text)
            observation = observation.outer

    def note_text(self, part: str, text: str) -> None:
        """The run has read *part*, whose value is *text* in the key."""
        whole = _COVERED_BY.get(part.partition(":")[0])
        observation: Observation | None = self
        while observation is not None:
            if (
                not observation.over
                and part not in observation.written
                and whole not in observation.parts
            ):
                observation.parts.setdefault(part, text)
                if len(observation.parts) > MOST_PARTS:
                    observation.refuse(_TOO_MANY)
            observation = observation.outer

    def note_here(self, part: str, text: str) -> None:
        """The run has read *part*, which is nothing to the one that this runs inside of."""
        if self.over or _looking_away.get():
            return
        self.parts.setdefault(part, text)
        if len(self.parts) > MOST_PARTS:
            self.refusal = self.refusal or _TOO_MANY

    def note_written(self, part: str) -> None:
        """The run has set *part*: what it reads there from now on is its own."""
        observation: Observation | None = self
        while observation is not None:
            if part not in observation.parts:
                observation.written.add(part)
            observation = observation.outer

    def refuse(self, reason: str) -> None:
        """The page must not be stored. The first reason is kept."""
        if _looking_away.get():
            return
        observation: Observation | None = self
        while observation is not None:
            if not observation.over and observation.refusal is None:
                observation.refusal = reason
            observation = observation.outer


#: Whether what runs now reads for the key itself, or loads what the key holds.
_looking_away: ContextVar[bool] = ContextVar("holdfast.looking_away", default=False)

#: What the code that runs now is watched by.
current: ContextVar[Observation | None] = ContextVar("holdfast.observation", default=None)


@contextmanager
def looking_away() -> Iterator[None]:
    """Note nothing of what runs inside, neither parts of the request nor rows."""
    before = _looking_away.get()
    _looking_away.set(True)
    try:
        with no_recording():
            yield
    finally:
        _looking_away.set(before)
