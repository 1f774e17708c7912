"""The labelled steps of our protocol: around the calls of its tags.

With a file named in the variable CONSISTENCY_TRACE, each call is written down there.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.consistency.steps import here, reached

__all__ = ["reached", "watch"]


def watch(tags: type) -> None:
    """Have these tags come by the steps."""
    for name, before, after in (
        ("stamp", None, "after stamp"),
        ("put", "before put", "after put"),
        ("mark", "before mark", "after mark"),
        ("bump", "before bump", "after bump"),
    ):
        setattr(tags, name, _watched(getattr(tags, name), before, after))


def _watched(original: Callable[..., Any], before: str | None, after: str) -> Callable[..., Any]:
    trace = os.environ.get("CONSISTENCY_TRACE")

    def call(*arguments: Any, **named: Any) -> Any:
        if before is not None:
            reached(before)
        begun = time.monotonic()
        answer = original(*arguments, **named)
        if trace:
            _tell(Path(trace), begun, original.__name__, arguments[1:], answer)
        reached(after)
        return answer

    return call


def _tell(trace: Path, begun: float, name: str, arguments: tuple[Any, ...], answer: Any) -> None:
    """Write down a call, for whoever wants to know how a stale read came about."""
    now = time.monotonic()
    who = f"{begun:.4f}-{now:.4f} process {os.getpid()} worker {here.worker}"
    with trace.open("a") as file:
        file.write(f"{who}: {name}{arguments!r} -> {answer!r}\n")
