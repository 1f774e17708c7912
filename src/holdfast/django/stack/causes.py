"""Who makes a request switch threads, what it costs, and what would remove it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .costs import Costs
from .step import Cause, Step, Switch, When

_BOTH = (
    "Write it for both: sync_capable = async_capable = True, markcoroutinefunction(self) where"
    " get_response is a coroutine function, and await it there."
)
#: What would remove a cause, by its kind, where the request is served under ASGI.
_REMEDIES = {
    "sync-only": f"It is sync only, so each request goes to its thread for it. {_BOTH}",
    "async-only": (
        "It is async only, so each request gets an event loop of its own for it. Let it run sync,"
        " too (sync_capable = True), or serve the project with an ASGI server."
    ),
    "mixin": (
        "MiddlewareMixin sends process_request and process_response to the request's thread: write"
        " it as a class that is sync and async by nature, or give it an __acall__ of its own."
    ),
    "hook": "Make this hook a coroutine function (async def), or do its work in __call__.",
    "view": "It is the view's own kind: async def under ASGI, def under WSGI, needs none.",
    "receivers": "Make them async def under ASGI, and def under WSGI; or do without them.",
    "handler": (
        "It is Django's house-keeping. In asgi.py: from holdfast.django.asgi import"
        " get_asgi_application"
    ),
    "closing": "The request has a thread by then; it goes with what asked for the thread.",
}
_DJANGOS_OWN = "It is Django's own code; a request that is to have no thread does without it."


@dataclass(frozen=True)
class Blame:
    """One cause, with all that it costs each request.

    Attributes:
        name: who: a middleware, receivers, the handler.
        kinds: in what ways: see `Cause`.
        switches: how many switches.
        seconds: of processor time that they take on this machine.
        remedy: what would remove them.
    """

    name: str
    kinds: tuple[str, ...]
    switches: int
    seconds: float
    remedy: str


def switches_of(steps: Iterable[Step]) -> list[tuple[Switch, Cause]]:
    """All switches of a request that ends with a plain response."""
    return [switch for step in steps if step.when is When.ALWAYS for switch in step.switches]


def needs_thread(steps: Iterable[Step]) -> bool:
    """Whether the request has a thread of its own started for it (under ASGI)."""
    return any(way is Switch.TO_THREAD for way, _ in switches_of(steps))


def blames(steps: Iterable[Step], costs: Costs) -> list[Blame]:
    """Each cause once, in the order in which a request meets them."""
    found: dict[str, list[tuple[Switch, Cause]]] = {}
    for way, cause in switches_of(steps):
        found.setdefault(cause.name, []).append((way, cause))
    return [
        Blame(
            name,
            tuple(dict.fromkeys(cause.kind for _, cause in met)),
            len(met),
            sum(costs.switches[way] for way, _ in met),
            " ".join(dict.fromkeys(_remedy(cause) for _, cause in met)),
        )
        for name, met in found.items()
    ]


def _remedy(cause: Cause) -> str:
    if cause.name.startswith("django.") and cause.kind in {"mixin", "hook", "sync-only"}:
        return _DJANGOS_OWN
    return _REMEDIES[cause.kind]
