"""What a cached call may raise beside what its function raises."""

from __future__ import annotations


class LoadTimeout(TimeoutError):  # noqa: N818 - as the builtin is called, and the stores' own
    """Somebody else has been loading the result for longer than `wait`, and on_wait is "error"."""


class CachedError(Exception):
    """An error was kept for `error_ttl`, and can't be made again in this process.

    Its text is that of the error. That error's class could not be found here.
    """
