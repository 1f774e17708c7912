"""What a person at a terminal sees while the server is probed."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self


class Progress:
    """One line on the standard error, if that is a terminal. It is gone when the block ends."""

    def __init__(self) -> None:
        self._shown = 0
        self._on = sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown:
            self._show("")

    def __call__(self, what: str) -> None:
        """Say what is done just now."""
        if self._on:
            self._show(f"{what} ...")

    def _show(self, text: str) -> None:
        sys.stderr.write(f"\r{text.ljust(self._shown)}")
        if not text:
            sys.stderr.write("\r")
        sys.stderr.flush()
        self._shown = len(text)
