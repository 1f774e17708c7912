"""What the request log of this process has done, and what it is to do now."""

from __future__ import annotations

from typing import Any

from ..scope.scope import scope_var
from .entry import Known, open_entries
from .writer import flush_all


def known() -> Known | None:
    """What is known of the request or job that this code runs for; also after its end."""
    return getattr(scope_var.get(), "log", None)


def request_id() -> str | None:
    """The id of the request (or job) that this code runs for, as its log lines say it.

    None outside of requests, and where no `RequestLog` is. Costs a tenth of a microsecond.
    """
    found = known()
    return None if found is None else found.request_id


def flush(seconds: float = 1.0) -> None:
    """Write what waits in this process, now and in this thread.

    Needed where a process ends without Python's `atexit`, as with `os._exit`. Else what waits is
    written within a tenth of a second, and at the end of the process.

    Args:
        seconds: how long to wait for the writing thread, where that is at work.
    """
    flush_all(seconds)


def stats() -> dict[str, Any]:
    """What the request logs of this process have done: for a health page or a gauge.

    `written`, `dropped` (the queue was full), `failed` (could not be written), `waiting`, and
    `open` (requests that run now).
    """
    from .recorder import recorders

    found = recorders()
    return {
        "written": sum(recorder.written for recorder in found),
        "dropped": sum(recorder.dropped for recorder in found),
        "failed": sum(recorder.writer.failed for recorder in found),
        "waiting": sum(recorder.writer.waiting for recorder in found),
        "open": len(open_entries),
    }
