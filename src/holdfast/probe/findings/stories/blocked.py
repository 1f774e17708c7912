"""A function blocks an event loop, or a hub of greenlets: nobody else goes on meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from ...change import Change
from ...events import Span
from ..suspects import MOST_WORKERS, MOSTLY, Attempt, Evidence, Suspect, heaviest
from ..words import at
from .worker import more_workers

_WHERE = {"blocked-loop": "the event loop", "blocked-hub": "the hub"}


def suspects(evidence: Evidence) -> Iterator[Suspect]:
    """Each function that blocked one."""
    for one in evidence.blamed:
        if one.cause.kind not in _WHERE or one.charged <= 0:
            continue
        spans = evidence.spans(one.cause)
        seconds = sum(span.ended - span.begun for span in spans)
        computed = sum(float(span.detail.get("cpu") or 0.0) for span in spans)
        longest = max(spans, key=lambda span: span.ended - span.begun, default=None)
        place = heaviest(spans, "place")
        name = one.cause.name or place or "unknown code"
        computing = seconds > 0 and computed / seconds > MOSTLY
        within = f", in {_library(longest)}" if longest and _library(longest) else ""
        yield Suspect(
            code=one.cause.kind,
            culprit=name,
            place=place,
            because=(
                f"{name}{at(place)} blocked {_WHERE[one.cause.kind]} {len(spans)} times, "
                f"{seconds:.2f} s in all{within}: nobody else was served meanwhile"
            ),
            mend=_mend(one.cause.kind, computing=computing),
            charged=one.charged,
            attempts=_attempts(evidence, name, computing=computing),
            evidence=longest.stack if longest else (),
            numbers={"blocked": seconds, "times": len(spans), "cpu": computed},
        )


def _attempts(evidence: Evidence, name: str, *, computing: bool) -> tuple[Attempt, ...]:
    thread = Attempt(f"with {name} in a thread of its own", Change(in_a_thread=(name,)))
    workers = more_workers(min(evidence.users, evidence.ideal.cores if computing else MOST_WORKERS))
    return (workers, thread) if computing else (thread, workers)


def _library(span: Span) -> str:
    """What the user's code had called: the innermost function, if it isn't the user's."""
    place, _, function = span.stack[0].partition(" ") if span.stack else ("", "", "")
    return "" if not function or place == span.place else function


def _mend(kind: str, *, computing: bool) -> str:
    if computing:
        return (
            "It computes: give it to another process (a task queue, a ProcessPoolExecutor), or "
            "serve with more workers. A thread lets the others go on, but shares the core."
        )
    if kind == "blocked-hub":
        return (
            "Patch before anything else is imported (gevent.monkey.patch_all() or "
            "eventlet.monkey_patch() as the first line), or use a driver that yields to the hub; "
            "what can't yield belongs into a real thread: gevent.get_hub().threadpool.apply(...)."
        )
    return (
        "Await an async client instead (asyncio.sleep, aiohttp, psycopg.AsyncConnection, ...), or "
        "call it by asyncio.to_thread(...) or sync_to_async(...)."
    )
