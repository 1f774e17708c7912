"""Work that nobody waits for, on the kind of worker that started it: a thread, a greenlet, a task.

It runs in a copy of its starter's context, and keeps the starter's request as long as it needs it.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from .. import framework
from ..scope.carry import carry
from ..scope.flight import disembark
from .recording import innermost

if TYPE_CHECKING:
    import asyncio

logger = logging.getLogger("holdfast")

#: How many threads, or greenlets, do such work at once; what is more waits for one of them.
MOST_THREADS = 8
#: How much may wait, or run in event loops: what is more is not done.
MOST_JOBS = 1000

_waiting: deque[Callable[[], object]] = deque()
_running: set[object] = set()
_tasks: set[asyncio.Task[None]] = set()


def start_thread(job: Callable[[], object]) -> bool:
    """Have *job* done by a thread; by a greenlet where those are used.

    Returns:
        False: there is too much to do already, and it will not be done.
    """
    if len(_waiting) >= MOST_JOBS:
        return False

    def run() -> None:
        _be_nobodys()
        job()

    _waiting.append(carry(run))
    if len(_running) < MOST_THREADS:
        worker = object()
        _running.add(worker)
        if not run_aside(lambda: _work(worker), "holdfast-refresh"):
            _running.discard(worker)
            return bool(_running)
    return True


def start_task(
    job: Callable[[], Coroutine[Any, Any, None]], broken_off: Callable[[], object] | None = None
) -> bool:
    """Have *job* done by a task of the running event loop.

    Args:
        job: what is to be done.
        broken_off: called if it was cancelled before its end, as it is when the loop ends.

    Returns:
        False: there is too much to do already, and it will not be done.
    """
    if len(_tasks) >= MOST_JOBS:
        return False

    async def run() -> None:
        _be_nobodys()
        try:
            await job()
        except Exception:
            logger.exception("work in the background failed")

    # Here and not above: importing asyncio loads ssl, which gevent wants to patch first.
    import asyncio

    task = asyncio.get_running_loop().create_task(carry(run)(), name="holdfast-refresh")
    _tasks.add(task)  # the loop holds it only weakly

    def done(task: asyncio.Task[None]) -> None:
        _tasks.discard(task)
        if task.cancelled() and broken_off is not None:
            broken_off()

    task.add_done_callback(done)
    return True


def run_aside(work: Callable[[], object], name: str) -> bool:
    """Run *work* in a thread of its own, or a greenlet; False, if there can be no further one."""
    gevent = _gevent()
    # A hub stays where gevent was used once. Only who runs in one of its greenlets, or is patched,
    # is sure to come back to it.
    if gevent is not None and (gevent.getcurrent().parent is not None or _is_patched()):
        gevent.spawn(work)
        return True
    try:
        threading.Thread(target=work, name=name, daemon=True).start()
    except RuntimeError:
        return False  # too many, or the process is ending
    return True


def sleep(seconds: float, *, keeps: bool = True) -> None:
    """Let other greenlets of this thread run, if there are any.

    Args:
        seconds: for how long.
        keeps: whether gevent's loop, where it waits for all that is to be done, waits for this.
    """
    gevent = _gevent()
    if gevent is None:
        time.sleep(seconds)
    else:
        gevent.sleep(seconds, ref=keeps)


def _is_patched() -> bool:
    monkey: Any = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def _gevent() -> Any:
    """Gevent, if this thread runs its hub. It may be used with no monkey patch."""
    gevent: Any = sys.modules.get("gevent")
    if gevent is None or gevent._hub_local.get_hub_if_exists() is None:  # noqa: SLF001 - asking must not make a hub
        return None
    return importlib.import_module("gevent")


def _work(worker: object) -> None:
    try:
        _work_off(worker)
    finally:
        # Also if it was a cancellation, or an exit, that came out of a job.
        _running.discard(worker)


def _work_off(worker: object) -> None:
    while True:
        try:
            job = _waiting.popleft()
        except IndexError:
            _running.discard(worker)
            # Unless something came in between, for which no thread was started any more.
            if not _waiting or len(_running) >= MOST_THREADS:
                return
            _running.add(worker)
            continue
        try:
            job()
        except Exception:
            logger.exception("work in the background failed")
        finally:
            close_what_it_opened()


def close_what_it_opened() -> None:
    """After work that nobody waits for: the framework's connections of this thread, above all."""
    for finish in framework.after_background_work:
        try:
            finish()
        except Exception:
            logger.exception("work in the background could not be finished")


def _be_nobodys() -> None:
    """What is read here belongs to no result around, and no call around waits for it."""
    innermost.set(None)
    disembark()


def _forget_parent() -> None:
    _waiting.clear()
    _running.clear()
    _tasks.clear()


os.register_at_fork(after_in_child=_forget_parent)
