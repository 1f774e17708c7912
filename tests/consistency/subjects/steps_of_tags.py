"""The labelled steps of our protocol: around the calls of its tags."""

from collections.abc import Callable
from typing import Any

from tests.consistency.steps import reached

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


def _watched(
    original: Callable[..., Any], before: str | None, after: str
) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        if before is not None:
            reached(before)
        answer = original(*arguments, **named)
        reached(after)
        return answer

    return call
