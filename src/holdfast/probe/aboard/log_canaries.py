"""Log records that are written in one user's request, and show another user's marker."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ...on_import import on_import
from .. import markers
from ..events import Leak
from . import native, places, requests, writing
from .settings import Settings

#: Leaks that a process tells. One is a bug; more of them say nothing new.
MOST = 200
#: Characters of a record that are told, and that are looked through.
_SHOWN = 200
_LOOKED_AT = 20_000


def install(settings: Settings) -> None:
    """Look at what is logged from here on."""
    if settings.markers and settings.run:
        looking = Looking(settings.run, settings.markers)
        on_import("logging", looking.watch)


class Looking:
    """Looks at log records.

    Args:
        run: the run's name.
        pattern: a regular expression of its users' markers.
    """

    def __init__(self, run: str, pattern: str) -> None:
        self._run = run
        self._prefix = f"hf{run}"
        self._markers = re.compile(pattern)
        self._told: set[tuple[str, str, str]] = set()

    def watch(self, module: ModuleType) -> None:
        """Look at each record that a logger hands to its handlers, and at what these make of it.

        A handler's own filters and formatter may add what neither message nor logger has: the
        user that a filter holds to be the current one.
        """
        self._watch_records(module.Logger)
        self._watch_lines(module.Handler)

    def _watch_records(self, logger: Any) -> None:
        original = logger.callHandlers

        @functools.wraps(original)
        def call(logger: Any, record: Any) -> None:
            request = requests.current()
            if request is not None and request.known:
                self._look(lambda: _text_of(record), record, request.name)
            original(logger, record)

        logger.callHandlers = call

    def _watch_lines(self, handler: Any) -> None:
        original = handler.format

        @functools.wraps(original)
        def formatted(handler: Any, record: Any) -> Any:
            line = original(handler, record)
            request = requests.current()
            if request is not None and request.known:
                self._look(lambda: str(line), record, request.name)
            return line

        handler.format = formatted

    def _look(self, text_of: Callable[[], str], record: Any, request: str) -> None:
        try:
            text = text_of()[:_LOOKED_AT]
            if self._prefix in text or self._prefix in text.lower():
                self._tell(text.lower(), text, record, request)
        except Exception as error:  # noqa: BLE001 - an observer may fail, the server may not
            writing.trouble("a log record was not looked at", error)

    def _tell(self, lowered: str, text: str, record: Any, request: str) -> None:
        for found in self._markers.finditer(lowered):
            _, owner = markers.read(self._run, found)
            if markers.user_of(owner) == markers.user_of(request):
                continue
            key = found[0], request, f"{record.pathname}:{record.lineno}"
            if key in self._told or len(self._told) >= MOST:
                continue
            self._told.add(key)
            begin = max(0, found.start() - _SHOWN // 2)
            writing.write(
                Leak(
                    pid=native.getpid(),
                    at=native.monotonic(),
                    where=f"log {record.name}",
                    marker=found[0],
                    request=request,
                    place=places.users_place() or key[2],
                    text=text[begin : begin + _SHOWN],
                )
            )


def _text_of(record: Any) -> str:
    """The message, and what came with the record as texts: for formatters that show it."""
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001 - wrong arguments: logging says so itself
        message = str(record.msg)
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    if error is not None:
        message += f"\n{error!r}"
    extra = [
        value
        for name, value in vars(record).items()
        if type(value) is str and name not in {"msg", "message", "pathname"}
    ]
    return "\n".join([message, *extra])
