"""When the garbage collector ran, while requests were under way."""

from __future__ import annotations

import functools
import gc
from typing import Any

from . import native, places, requests, spans
from .settings import Settings

_begun = 0.0


def install(settings: Settings) -> None:
    """Note each time that it takes more than a millisecond."""
    gc.callbacks.append(_note)
    collect = gc.collect

    @functools.wraps(collect)
    def noted(*args: Any, **kwargs: Any) -> int:
        begun = native.monotonic()
        # A callback lets other threads run while the collector is at work, and those that call it
        # then are sent away at once. Without observers they wait for it.
        _leave()
        try:
            return collect(*args, **kwargs)
        finally:
            if _note not in gc.callbacks:
                gc.callbacks.append(_note)
            if requests.under_way:
                spans.note("gc", "gc.collect()", begun, place=places.users_place())

    gc.collect = noted


def _leave() -> None:
    try:
        gc.callbacks.remove(_note)
    except ValueError:  # another thread is about to put it back
        pass


def _note(phase: str, info: dict[str, Any]) -> None:
    global _begun
    if phase == "start":
        _begun = native.monotonic()
    elif _begun and requests.under_way:
        # Nothing but an append: it may run within any code, also within ours.
        spans.note("gc", f"generation {info.get('generation')}", _begun, detail=info)
