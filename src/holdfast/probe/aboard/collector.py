"""When the garbage collector ran, while requests were under way."""

from __future__ import annotations

import gc
from typing import Any

from . import native, requests, spans
from .settings import Settings

_begun = 0.0


def install(settings: Settings) -> None:
    """Note each time that it takes more than a millisecond."""
    gc.callbacks.append(_note)


def _note(phase: str, info: dict[str, Any]) -> None:
    global _begun
    if phase == "start":
        _begun = native.monotonic()
    elif _begun and requests.under_way:
        # Nothing but an append: it may run within any code, also within ours.
        spans.note("gc", f"generation {info.get('generation')}", _begun, detail=info)
