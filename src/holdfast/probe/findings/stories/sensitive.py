"""Sync code of all requests has to run in one thread, one request after another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from ...change import Change
from ...events import Span
from ..causes import SENSITIVE
from ..suspects import Attempt, Evidence, Suspect, heaviest
from ..words import at, waited


def suspects(evidence: Evidence) -> Iterator[Suspect]:
    """Who had that thread while the others waited for it, the one that had it longest first."""
    for one in evidence.blamed:
        if one.cause != SENSITIVE or one.charged <= 0:
            continue
        spans = evidence.spans(SENSITIVE)
        had = _had(spans)
        whole = sum(had.values()) or 1.0
        layers = {span.name for span in evidence.run.spans if span.kind == "layer"}
        for name in sorted(had, key=lambda each: -had[each])[:2]:
            own = [span for span in spans if span.name == name]
            place = heaviest(own, "place")
            middleware = name in layers
            yield Suspect(
                code="middleware" if middleware else "thread-sensitive",
                culprit=name,
                place=place,
                because=(
                    f"{waited(one)} for the one thread in which thread-sensitive "
                    f"code of all requests runs; {'the middleware ' if middleware else ''}"
                    f"{name}{at(place)} had it {had[name] / whole:.0%} of that time"
                ),
                mend=_mend(middleware=middleware),
                charged=one.charged * had[name] / whole,
                attempts=_attempts(name, middleware=middleware),
            )


def _had(spans: list[Span]) -> Mapping[str, float]:
    """Seconds that each function had the thread; where that isn't known, how long it waited."""
    found = defaultdict[str, float](float)
    known = any("ran" in span.detail for span in spans)
    for span in spans:
        found[span.name] += (
            float(span.detail.get("ran") or 0.0) if known else span.ended - span.begun
        )
    return {name: seconds for name, seconds in found.items() if seconds > 0}


def _attempts(name: str, *, middleware: bool) -> tuple[Attempt, ...]:
    anywhere = Attempt(f"with {name} in any thread", Change(without_thread_sensitivity=(name,)))
    if middleware:
        return (Attempt(f"without {name}", Change(without_middleware=(name,))), anywhere)
    return (anywhere,)


def _mend(*, middleware: bool) -> str:
    if middleware:
        return (
            "Make the middleware async (or sync and async, with "
            "django.utils.decorators.sync_and_async_middleware), so that it needs no thread."
        )
    return (
        "Call it with sync_to_async(..., thread_sensitive=False) if it needs no thread of its own "
        "(no database connection of Django's); else open an asgiref ThreadSensitiveContext around "
        "each request, which gives each a thread; or make it async."
    )
