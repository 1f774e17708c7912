"""Requests wait for a thread: of an executor that has too few, or for one to be started."""

from __future__ import annotations

from collections.abc import Iterator

from ...change import Change
from ..suspects import Attempt, Evidence, Suspect, heaviest
from ..words import shown, waited


def suspects(evidence: Evidence) -> Iterator[Suspect]:
    """Each executor that was waited for, and each function that waited for a thread."""
    for one in evidence.blamed:
        if one.cause.kind not in {"executor", "thread"} or one.charged <= 0:
            continue
        spans = evidence.spans(one.cause)
        name, place = one.cause.name, heaviest(spans, "place")
        size = max((int(span.detail.get("size") or 0) for span in spans), default=0)
        if one.cause.kind == "executor":
            has = f", which has {size}" if size else ""
            yield Suspect(
                code="executor",
                culprit=shown(name),
                place=place,
                because=f"{waited(one)} for a thread of {shown(name)}{has}",
                mend=(
                    "Give the executor as many threads as there are calls at a time "
                    "(ThreadPoolExecutor(max_workers=...)), or make the calls shorter."
                ),
                charged=one.charged,
                attempts=(
                    Attempt(
                        f"with {evidence.users} threads in {shown(name)}",
                        Change(pool_size=((name, evidence.users),)),
                    ),
                ),
                numbers={"size": size} if size else {},
            )
        else:
            yield Suspect(
                code="thread",
                culprit=name,
                place=place,
                because=f"{waited(one)} for a thread in which to call {name}",
                mend=(
                    "Make it async, so that it needs no thread; or give the executor that it runs "
                    "in more threads."
                ),
                charged=one.charged,
                attempts=(
                    Attempt(
                        f"with {name} in any thread",
                        Change(without_thread_sensitivity=(name,)),
                    ),
                ),
            )
