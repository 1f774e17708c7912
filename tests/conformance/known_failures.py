"""What the matrix must find in request state as it is usually kept: proof that it can fail.

The subjects are the target's (see target/subject): a threading.local and a ContextVar, set by a
Django middleware that empties them at the end; "-kept" where nobody empties them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LOST, CROSSED = "lost", "crossed"


@dataclass(frozen=True)
class Known:
    """A server, a subject, and the rows at which it is known to fail, with the way it does."""

    server: str
    subject: str
    rows: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"{self.server}-{self.subject}"


KNOWN: tuple[Known, ...] = (
    Known(
        "gthread",
        "threadlocal",
        {
            "async_view": LOST,
            "stream": LOST,
            "thread": LOST,
            "executor": LOST,
            "nested": CROSSED,
            "request_finished": LOST,
        },
    ),
    Known("gthread", "threadlocal-kept", {"leftover": CROSSED, "thread": LOST}),
    Known(
        "gthread",
        "contextvar",
        {"stream": LOST, "thread": LOST, "nested": CROSSED, "access_log": LOST},
    ),
    Known(
        "gevent-early",
        "threadlocal",
        {
            "sync_view": CROSSED,
            "inside": CROSSED,
            "template": LOST,
            "signal": LOST,
            "stream": LOST,
            "leftover": CROSSED,
            "gevent_pool": LOST,
        },
    ),
    Known("gevent-preload", "threadlocal", {"sync_view": CROSSED, "leftover": CROSSED}),
    Known("gevent", "contextvar-kept", {"leftover": CROSSED, "gevent_spawn": LOST}),
    Known(
        "uvicorn-asyncio",
        "threadlocal",
        {"sync_view": LOST, "async_view": CROSSED, "to_thread": LOST, "leftover": CROSSED},
    ),
    Known(
        "uvicorn-asyncio",
        "contextvar",
        {"stream": LOST, "async_stream": LOST, "run_in_executor": LOST, "access_log": LOST},
    ),
    Known(
        "uvicorn-asyncio",
        "contextvar-kept",
        {"leftover": CROSSED, "async_stream_left": CROSSED},
    ),
    Known("hypercorn", "contextvar-kept", {"async_stream_left": CROSSED}),
)
