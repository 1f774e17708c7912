"""What is made different in a run that is to prove who was to blame."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the server, made by the observers aboard it; the user's files stay as they are.

    Attributes:
        without_middleware: dotted names, as in `MIDDLEWARE`, that are left out.
        without_lock: places (`path:line`) whose locks and semaphores let everybody through.
        without_thread_sensitivity: names of functions that may run in any thread when they are
            called by `sync_to_async`; `*`: all.
        in_a_thread: dotted names of views, or of functions, that run in a thread of their own
            (and, where they are coroutine functions, in a loop of their own) instead of where they
            would block a loop or a hub.
        pool_size: places or names of pools and executors, and how many they may have at least.
        workers, threads: what the server is to have; 0: as it is.
        without_collector: the garbage collector does not run.
    """

    without_middleware: tuple[str, ...] = ()
    without_lock: tuple[str, ...] = ()
    without_thread_sensitivity: tuple[str, ...] = ()
    in_a_thread: tuple[str, ...] = ()
    pool_size: tuple[tuple[str, int], ...] = ()
    workers: int = 0
    threads: int = 0
    without_collector: bool = False

    def as_settings(self) -> dict[str, Any]:
        """Plain data, for the observers."""
        return asdict(self)
