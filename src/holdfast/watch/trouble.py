"""What the watch can't do is said once on stderr; the watched program goes on."""

from __future__ import annotations

import sys

_said: set[str] = set()


def trouble(what: str, error: Exception) -> None:
    """Say it, unless it was said.

    Args:
        what: can't be done.
        error: why.
    """
    if what in _said:
        return
    _said.add(what)
    try:
        sys.stderr.write(f"holdfast watch: {what}: {error!r}\n")
    except (OSError, ValueError, AttributeError):
        pass  # there is nobody to tell: it is full, closed, or missing
