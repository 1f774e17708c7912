"""Parts of a template that are kept until a save makes them untrue: `{% cached %}`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.template.base import NodeList
from django.urls import get_script_prefix
from django.utils.safestring import mark_safe

from ...cache.loading import loader
from ...cache.policy import Policy
from ...cache.recording import innermost
from ...cache.tagging import tag_of
from . import known
from .canonical import NotCanonical, canonical
from .observation import looking_away
from .parts import Parts
from .request_class import plain
from .variables import Variables
from .visit import Keys
from .watching import watching

_STORE = "cache"


def fragment(
    name: str, ttl: float | None, values: Sequence[Any], context: Any, nodes: NodeList
) -> str:
    """What *nodes* are in *context*: as it was kept, or rendered now.

    Args:
        name: of the fragment: `holdfast.invalidate("fragment:<name>")` makes all of them untrue.
        ttl: seconds; None: as long as it is true. 0 or less: it isn't kept.
        values: what it depends on beside rows and the request.
        context: of the template. Where there is a request in it, the parts that are read of it are
            in the key.
        nodes: what is to be rendered.
    """
    if ttl is not None and ttl <= 0:
        return nodes.render(context)
    request = _request(context)
    try:
        place = (
            f"fragment 2\n{name}\n{_urls(request)}\n{context.autoescape}\n"
            f"{canonical(list(values), request)}"
        )
        rendering = _Rendering(place, request, name, context, nodes)
        text: str = loader(_STORE).fetch(
            rendering.key, rendering.load, _policy(name, ttl), store_at=rendering.store_at
        )
    except NotCanonical:
        return nodes.render(context)  # what it depends on can't be written down
    return mark_safe(text)  # noqa: S308 - it was rendered, and escaped then


def _urls(request: HttpRequest | None) -> str:
    """What `{% url %}` goes by, and nobody sees it read."""
    if request is None:
        return "None"
    return f"{plain(request, '__dict__').get('urlconf')!r} {get_script_prefix()!r}"


@cache
def _policy(name: str, ttl: float | None) -> Policy:
    # Nothing is rendered ahead of time: the context is this template's, now.
    return Policy(f"fragment:{name}", ttl, early=0, repeatable=False)


def _request(context: Any) -> HttpRequest | None:
    request = getattr(context, "request", None) or context.get("request")
    return request if isinstance(request, HttpRequest) else None


class _Rendering(Keys):
    """One use of a fragment."""

    __slots__ = ("_context", "_name", "_nodes", "_variables")

    def __init__(
        self, place: str, request: HttpRequest | None, name: str, context: Any, nodes: NodeList
    ) -> None:
        super().__init__(_STORE, place, request)
        self._name = name
        self._context = context
        self._nodes = nodes
        self._variables = Variables(context, request)

    def _texts_of(self, parts: Parts) -> dict[str, str]:
        return parts.texts(self.request, self._variables.text)

    def load(self) -> str:
        """Render it."""
        watched = watching(self.request, of_url=False)
        with watched as observation, self._variables.observed(observation):
            text = str(self._nodes.render(self._context))
        self.noted = observation.parts
        recording = innermost.get()
        assert recording is not None  # noqa: S101 - the loader opens one
        recording.add(tag_of(f"fragment:{self._name}"))
        if observation.refusal is not None:
            recording.refuse(observation.refusal)
            with looking_away():
                known.learn(_STORE, self.place, observation.parts)
        return text
