"""What a person at a terminal sees while files are read."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

#: A run that is over sooner shows nothing.
_PATIENCE_SECONDS = 0.5
_EVERY_SECONDS = 0.1


class Progress:
    """One line on the standard error, if that is a terminal. It is gone when the block ends."""

    def __init__(self) -> None:
        self._shown = ""
        self._next = time.monotonic() + _PATIENCE_SECONDS
        self._on = sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._show("")

    def __call__(self, what: str, done: int, of: int) -> None:
        """Say what is being done, how many files are, and of how many."""
        now = time.monotonic()
        if self._on and now >= self._next:
            self._next = now + _EVERY_SECONDS
            self._show(f"{what}: {done:,} of {of:,} files" if of else f"{what} ...")

    def _show(self, text: str) -> None:
        if self._shown or text:
            sys.stderr.write(f"\r{text.ljust(len(self._shown))}" + ("" if text else "\r"))
            sys.stderr.flush()
            self._shown = text
