"""One request for a page: its key, and the run that makes it where there is none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from ...cache.recording import Recording, innermost
from . import known
from .background import request_for_background
from .canonical import canonical
from .invalidation import page_tags
from .observation import Observation, looking_away
from .page import complete, freeze
from .parts import Parts, headers_of
from .storing import varies_on, why_not_stored
from .watching import watching

if TYPE_CHECKING:
    from .view import Options

#: Stands for a page that wasn't found, in place of one: with this, and what the error said.
ABSENT = "absent"
#: Stands for a response that is only for who asked.
REFUSED = ("refused",)

#: The pages that are being made in this context: one within the other, as where a class-based view
#: and its `dispatch` are decorated.
making: ContextVar[tuple[str, ...]] = ContextVar("holdfast.pages", default=())


class Keys:
    """The two steps to the key of one page, or of a part of one.

    Args:
        store: the name of the store.
        place: what it is, whoever asks for it: a view and a URL.
        request: who asks; None, where there is no request.

    Attributes:
        noted: the parts that a run has read.
    """

    __slots__ = ("_looks", "_parts", "_store", "_texts", "noted", "place", "request")

    def __init__(self, store: str, place: str, request: Any) -> None:
        self._store = store
        self.place = place
        self.request = request
        self.noted: dict[str, str] = {}
        self._parts: Parts = known.NONE
        self._texts: dict[str, str] = {}
        self._looks = 0

    def key(self) -> bytes:
        """The key, by the parts that are known. Asks the store from the second time on."""
        parts = known.remembered(self._store, self.place) if self._looks == 0 else None
        self._looks += 1
        if parts is None:
            with looking_away():
                parts = known.look_up(self._store, self.place)
        return self._key_by(parts)

    async def akey(self) -> bytes:
        """As `key`."""
        parts = known.remembered(self._store, self.place) if self._looks == 0 else None
        self._looks += 1
        if parts is None:
            parts = await known.alook_up(self._store, self.place)
        await parts.aprepare(self.request)
        return self._key_by(parts)

    def _key_by(self, parts: Parts) -> bytes:
        self._parts = parts
        self._texts = self._texts_of(parts)
        return parts.key_of(self.place, self._texts)

    def _texts_of(self, parts: Parts) -> dict[str, str]:
        return parts.texts(self.request)

    def store_at(self, recording: Recording) -> bytes:
        """The key of what was just made, by the parts that it has turned out to need."""
        names, texts = self._found()
        if names:
            known.learn(self._store, self.place, names)
        return (self._parts | names).key_of(self.place, texts)

    async def astore_at(self, recording: Recording) -> bytes:
        """As `store_at`."""
        names, texts = self._found()
        if names:
            await known.alearn(self._store, self.place, names)
        return (self._parts | names).key_of(self.place, texts)

    def _found(self) -> tuple[list[str], dict[str, str]]:
        # As they were before the run, where they were looked up.
        texts = {**self.noted, **self._texts}
        return [name for name in self.noted if name not in self._texts], texts


class Visit(Keys):
    """A request for a page.

    Args:
        options: of the view.
        name: the view's.
        place: the view and the URL.
        request: the request.
        view: called with the request and what follows.
        args: what follows.
        kwargs: the same, by name.
        own: the instance whose method the view is, or None.

    Attributes:
        made: what a run in this very thread or task has returned.
    """

    __slots__ = ("_args", "_kwargs", "_name", "_options", "_own", "_view", "_worker", "made")

    request: HttpRequest

    def __init__(  # noqa: PLR0913, PLR0917 - a view, and what it is called with
        self,
        options: Options,
        name: str,
        place: str,
        request: HttpRequest,
        view: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        own: Any = None,
    ) -> None:
        super().__init__(options.store, place, request)
        self._own = own
        self._options = options
        self._name = name
        self._view = view
        self._args = args
        self._kwargs = kwargs
        self.made: HttpResponseBase | None = None
        self._worker = _worker()

    def load(self) -> Any:
        """Run the view. What is returned is what is stored."""
        mine = self._worker == _worker()
        request = self.request if mine else self._apart()
        absent: Http404 | None = None
        response: HttpResponseBase | None = None
        with self._making(), watching(request) as observation:
            try:
                response = self._view(request, *self._args, **self._kwargs)
                response = _rendered(response)
            except Http404 as error:
                if self._options.negative_ttl is None:
                    raise
                absent = error
        value = self._judged(request, observation, response, absent)
        if observation.refusal is not None and observation.parts:
            # Whose visit it is that can't be stored, may depend on what was read.
            known.learn(self._options.store, self.place, observation.parts)
        if mine:
            self.made = response
        return value

    async def aload(self) -> Any:
        """As `load`."""
        mine = self._worker == _worker()
        request = self.request if mine else self._apart()
        absent: Http404 | None = None
        response: HttpResponseBase | None = None
        with self._making(), watching(request) as observation:
            try:
                response = await self._view(request, *self._args, **self._kwargs)
                response = await _arendered(response)
            except Http404 as error:
                if self._options.negative_ttl is None:
                    raise
                absent = error
        value = self._judged(request, observation, response, absent)
        if observation.refusal is not None and observation.parts:
            await known.alearn(self._options.store, self.place, observation.parts)
        if mine:
            self.made = response
        return value

    def _apart(self) -> HttpRequest:
        """A request for a run that nobody waits for."""
        request = request_for_background(self.request)
        held = getattr(self._own, "__dict__", {})
        if held.get("request") is self.request:
            held["request"] = request  # or what the run reads of that one would not be seen
        return request

    @contextmanager
    def _making(self) -> Iterator[None]:
        around = making.get()
        making.set((*around, self.place))
        try:
            yield
        finally:
            making.set(around)

    def _judged(
        self,
        request: HttpRequest,
        observation: Observation,
        response: HttpResponseBase | None,
        absent: Http404 | None,
    ) -> Any:
        recording = innermost.get()
        if recording is None:  # so that this may be used without a loader
            recording = Recording()
        if response is not None:
            reason = why_not_stored(response, absent_too=self._options.negative_ttl is not None)
            if reason is not None:
                observation.refusal = observation.refusal or reason
            else:
                for header in varies_on(response):
                    # The view says so, whatever it has read.
                    text = observation.parts.setdefault(f"meta:{header}", _header(request, header))
                    if observation.outer is not None:
                        observation.outer.note_text(f"meta:{header}", text)
        self.noted = observation.parts
        recording.add_all(page_tags(request, self._name, self._args, self._kwargs))
        if observation.refusal is not None:
            recording.refuse(observation.refusal)
            return REFUSED
        if absent is not None:
            return (ABSENT, *(str(each) for each in absent.args[:1]))
        assert isinstance(response, HttpResponse)  # noqa: S101 - or it would have been refused
        complete(response, headers_of(observation.parts))
        return freeze(response)


def _header(request: HttpRequest, key: str) -> str:
    with looking_away():
        return canonical(request.META[key]) if key in request.META else "absent"


def _worker() -> object:
    """The thread or greenlet that runs here, and the task."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return task or threading.get_ident()


def _rendered(response: Any) -> HttpResponseBase:
    if callable(getattr(response, "render", None)) and not response.is_rendered:
        response = response.render()
    return _checked(response)


async def _arendered(response: Any) -> HttpResponseBase:
    if callable(getattr(response, "render", None)) and not response.is_rendered:
        from asgiref.sync import iscoroutinefunction, sync_to_async

        if iscoroutinefunction(response.render):
            response = await response.render()
        else:
            response = await sync_to_async(response.render, thread_sensitive=True)()
    return _checked(response)


def _checked(response: Any) -> HttpResponseBase:
    if not isinstance(response, HttpResponseBase):
        raise TypeError(
            f"A cached view returned {type(response).__name__} in place of a response."
            " If it is async, cached_view must be told the view itself: put it right above"
            " `async def`, or around as_view()."
        )
    return response
