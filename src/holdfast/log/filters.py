"""Filters for the project's logging: which request a line belongs to, and how many of a kind."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Collection
from typing import Any

from ..configuration import setting
from ..scope.scope import scope_var
from .formats import escaped
from .redaction import HIDDEN, Redaction
from .sampling import Limit

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class RequestFields(logging.Filter):
    """Puts the request's id, and chosen values of `holdfast.state`, on each log record.

        "filters": {"request": {"()": "holdfast.log.RequestFields", "state": ["user_id"]}}

    Put it on the handlers. The record gets `request_id`, `trace_id`, `span_id`, and the names of
    *state*; "-" where there is none. In a thread, greenlet or task that was carried, too, and after
    the request's end. Lets every record pass, never raises.

    Args:
        state: names of values; by default those of `HOLDFAST["LOG"]["STATE"]`.
        missing: stands where there is no value.

    Raises:
        ValueError: a name belongs to the record itself, such as "name" or "message".

    Costs about a microsecond a record.
    """

    def __init__(self, state: Collection[str] | None = None, missing: str = "-") -> None:
        super().__init__()
        self._state = None if state is None else _allowed(state)
        self._missing = missing
        self._redaction = Redaction()

    def filter(self, record: logging.LogRecord) -> bool:
        """Fill in *record*; always True."""
        fields = vars(record)
        for name, value in fields_of(self._state, self._redaction).items():
            if name not in fields:
                fields[name] = self._missing if value is None else value
        return True


def _allowed(names: Collection[str]) -> tuple[str, ...]:
    for name in names:
        if name in _OWN or not name.isidentifier():
            raise ValueError(
                f"RequestFields(state=...): a log record can't have {name!r} from holdfast.state;"
                " take another name."
            )
    return tuple(names)


def fields_of(names: Collection[str] | None, redaction: Redaction) -> dict[str, Any]:
    """The fields of the request that this code runs for; None where there is no value.

    Args:
        names: of `holdfast.state`; None: those of the settings.
        redaction: hides values whose name says that they are secret.
    """
    scope = scope_var.get()
    known = getattr(scope, "log", None)
    trace_id = span_id = request_id = None
    if known is not None:
        request_id = known.request_id
        trace_id, span_id = known.trace_id or None, known.span_id or None
    if "opentelemetry.trace" in sys.modules:
        from .traces import current_ids

        trace_id, span_id = current_ids() or (trace_id, span_id)
    found: dict[str, Any] = {"request_id": request_id, "trace_id": trace_id, "span_id": span_id}
    if names is None:
        names = setting("LOG", {}).get("STATE", ())
    state: dict[str, Any] = {}
    if names:
        try:
            state = vars(scope.state)
        except RuntimeError:
            pass  # no request, or its end meanwhile
    for name in names:
        value = state.get(name)
        if value is not None and redaction.is_secret(name):
            value = HIDDEN
        found[name] = escaped(value) if isinstance(value, str) else value
    return found


def _is_positive(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 1


class RateLimit(logging.Filter):
    """Lets each message pass so many times in a second, and then says how many it held back.

        "filters": {"limit": {"()": "holdfast.log.RateLimit", "most": 10}}

    A message is what stands in the code, before its arguments are filled in: `log.warning("slow:
    %s", url)` is one, whatever the URL. The next that passes has ` (N left out)` at its end, and N
    as its attribute `left_out`. Records from *always* on pass always.

    Args:
        most: a second, for each logger and message.
        always: a level, such as "ERROR".

    Costs about a microsecond a record.
    """

    def __init__(self, most: int = 10, always: int | str = logging.CRITICAL) -> None:
        super().__init__()
        if not _is_positive(most):
            raise ValueError(f"RateLimit(most=...) must be a number from 1 on, not {most!r}.")
        self._limit = Limit(most)
        level = logging.getLevelNamesMapping().get(always) if isinstance(always, str) else always
        if level is None:
            raise ValueError(
                f"RateLimit(always=...) must be a level such as 'ERROR', not {always!r}"
            )
        self._always = level
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether *record* passes."""
        if record.levelno >= self._always:
            return True
        key = (record.name, record.levelno, str(record.msg)[:500])
        with self._lock:
            left_out = self._limit.passes(key, time.monotonic())
        if left_out is None:
            return False
        record.left_out = left_out
        if left_out:
            record.msg = f"{record.msg} ({left_out} left out)"
        return True
