"""Where events go: a stream, a file, the project's logging, a function."""

from __future__ import annotations

import logging
import os
import stat
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..spelling import ConfigurationError
from .formats import FORMATS

_logger = logging.getLogger("holdfast")

Event = Mapping[str, Any]


class Sink(Protocol):
    """Takes events that are ready to be stored."""

    #: Whether its writing may be done in a thread that no green library has replaced.
    native: bool

    def write(self, events: Sequence[Event]) -> None:
        """Write *events*, in this order. May block and raise; the writer thread bears both.

        Raises:
            NotAll: so many of them were lost; after any other exception all of them are.
        """
        ...


class NotAll(Exception):  # noqa: N818 - it is about how many, and of what its cause says
    """Some events were handed on, and some were lost."""

    def __init__(self, lost: int) -> None:
        super().__init__(f"{lost} events were lost")
        self.lost = lost


#: From how many seconds on a failure is taken for one of the output, not of the event.
_OUTAGE_SECONDS = 1.0


def one_by_one(events: Sequence[Event], hand_on: Callable[[Event], object]) -> None:
    """Hand on each of *events*: one that fails costs no other.

    An output that takes its time to fail is away. Then the rest is lost, too: to wait once for each
    of them would keep the process from ending.

    Raises:
        NotAll: of its last failure.
    """
    lost, failure = 0, None
    for place, event in enumerate(events):
        began = time.monotonic()
        try:
            hand_on(event)
        except Exception as error:  # noqa: BLE001 - the project's own function, or handler
            lost, failure = lost + 1, error
            if time.monotonic() - began >= _OUTAGE_SECONDS:
                lost += len(events) - place - 1
                break
    if failure is not None:
        raise NotAll(lost) from failure


def sink_or_stderr(output: str | Callable[..., object], form: str) -> Sink:
    """The sink that the setting `OUTPUT` names; standard error, where there is none."""
    try:
        return sink_for(output, form)
    except (ConfigurationError, ImportError) as error:
        _logger.exception("%s The request log goes to stderr.", error)  # noqa: TRY401
        return ToStream("stderr", form)


def sink_for(output: str | Callable[..., object], form: str) -> Sink:
    """The sink that the setting `OUTPUT` names.

    Raises:
        ConfigurationError: it names a function that isn't there.
        ImportError: it names a library that isn't there.
    """
    if callable(output):
        return ToFunction(output)
    if output in ("stderr", "stdout"):
        return ToStream(output, form)
    if output.startswith("file:"):
        return ToFile(output.removeprefix("file:"), form)
    if output == "logging":
        return ToLogging(form)
    if output == "structlog":
        from .structlog import ToStructlog

        return ToStructlog()
    from .dotted import found_at

    return ToFunction(found_at(output, "HOLDFAST['LOG']['OUTPUT']"))


# Up to here a pipe takes a write as a whole, beside other processes that write to it, too.
_WHOLE = 4096
_PATIENCE_SECONDS = 1.0


class ToDescriptor:
    """Lines, many with one call, and never a part of one where that can be had."""

    native = True

    def __init__(self, form: str) -> None:
        self._form = FORMATS[form]

    def write(self, events: Sequence[Any]) -> None:
        """Write *events* as lines; those that are texts are lines already."""
        form = self._form
        texts = [event if isinstance(event, str) else form(event) for event in events]
        lines = ("\n".join(texts) + "\n").encode("utf-8", "replace")
        descriptor = self._descriptor()
        if len(lines) <= _WHOLE or stat.S_ISREG(os.fstat(descriptor).st_mode):
            _write_all(descriptor, lines)
            return
        start = 0
        while start < len(lines):
            # As many whole lines as a pipe takes at once; a longer one alone.
            end = lines.rfind(b"\n", start, start + _WHOLE) + 1
            if not end:
                end = lines.index(b"\n", start) + 1
            _write_all(descriptor, lines[start:end])
            start = end

    def _descriptor(self) -> int:
        raise NotImplementedError


def _write_all(descriptor: int, data: bytes) -> None:
    view, patience = memoryview(data), _PATIENCE_SECONDS
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            # Somebody made the stream non-blocking, and its reader is slow.
            if patience <= 0:
                raise
            time.sleep(0.01)
            patience -= 0.01


class ToStream(ToDescriptor):
    """Standard error or output, by its file descriptor."""

    def __init__(self, name: str, form: str) -> None:
        super().__init__(form)
        self._name = name

    def _descriptor(self) -> int:
        stream = getattr(sys, self._name)
        return int(stream.fileno())


class ToFile(ToDescriptor):
    """A file that all workers append to. Opened anew after it was moved away (logrotate)."""

    def __init__(self, path: str, form: str) -> None:
        super().__init__(form)
        self._path = path
        self._open: int | None = None
        self._looked = 0.0

    def _descriptor(self) -> int:
        now = time.monotonic()
        if self._open is not None and now - self._looked >= 1.0:
            self._looked = now
            if self._moved():
                os.close(self._open)
                self._open = None
        if self._open is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._open = os.open(self._path, flags, 0o640)
        return self._open

    def _moved(self) -> bool:
        try:
            there = Path(self._path).stat()
        except OSError:
            return True
        assert self._open is not None  # noqa: S101 - for the type checker
        ours = os.fstat(self._open)
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)


logger = logging.getLogger("holdfast.requests")


class ToLogging:
    """The logger `holdfast.requests`. Each field is an attribute of the record, too.

    INFO; ERROR where the application raised or the worker timed out. In the project's own handlers,
    so in a thread (or greenlet) as the project has them.
    """

    native = False

    def __init__(self, form: str) -> None:
        self._form = FORMATS[form]

    def write(self, events: Sequence[Event]) -> None:
        """Hand on *events*, one by one."""
        one_by_one(events, self._log)

    def _log(self, event: Event) -> None:
        level = level_of(event)
        if logger.isEnabledFor(level):
            with in_span(event):
                logger.log(level, "%s", self._form(event), extra={"holdfast": dict(event)})


def level_of(event: Event) -> int:
    """ERROR for what went wrong here, WARNING for lost records, else INFO."""
    if event.get("outcome") in ("error", "time_out"):
        return logging.ERROR
    return logging.WARNING if event["event"] == "dropped" else logging.INFO


class in_span:  # noqa: N801 - used like a function
    """While an event is logged, its trace is OpenTelemetry's current one, where that is used."""

    def __init__(self, event: Event) -> None:
        self._event = event
        self._token: Any = None

    def __enter__(self) -> None:
        if "span_id" in self._event and "opentelemetry.trace" in sys.modules:
            from .traces import attach

            self._token = attach(self._event["trace_id"], self._event["span_id"])

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            from .traces import detach

            detach(self._token)


class ToFunction:
    """A function of yours: called with each event, a dict, in the writer's thread or greenlet."""

    native = False

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def write(self, events: Sequence[Event]) -> None:
        """Hand on *events*, one by one."""
        one_by_one(events, lambda event: self._function(dict(event)))
