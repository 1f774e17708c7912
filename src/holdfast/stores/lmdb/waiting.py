"""Waiting, in the way of whoever waits: a thread, a greenlet, a task.

Looked up at each use: this module may have been imported before a monkey patch, and gevent may be
used with none.
"""

from __future__ import annotations

import importlib
import select
import sys
import time
from typing import Any


def _gevent() -> Any:
    """Gevent, if this thread runs its hub and this code may be switched away from."""
    gevent: Any = sys.modules.get("gevent")
    if gevent is None:
        return None
    hub = gevent._hub_local.get_hub_if_exists()  # noqa: SLF001 - asking must not make a hub
    return None if hub is None or gevent.getcurrent() is hub else gevent


def sleep(seconds: float) -> None:
    """Let other greenlets of this thread run, if there are any."""
    gevent = _gevent()
    # time.sleep as it is now: eventlet and gevent replace it in the module.
    (time.sleep if gevent is None else gevent.sleep)(seconds)


def readable(descriptor: int, seconds: float) -> bool:
    """Wait until there is something to read, or nobody is left who could write."""
    selecting = select
    if _gevent() is not None:
        selecting = importlib.import_module("gevent.select")
    if hasattr(selecting, "poll"):
        poll = selecting.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    # eventlet has taken poll away
    return bool(selecting.select([descriptor], [], [], seconds)[0])


async def readable_async(descriptor: int, seconds: float) -> bool:
    """The same for a task of an event loop."""
    import asyncio

    loop = asyncio.get_running_loop()
    woken: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        loop.remove_reader(descriptor)
        if not woken.done():
            woken.set_result(None)

    loop.add_reader(descriptor, wake)
    try:
        await asyncio.wait_for(woken, seconds)
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
    return True


async def sleep_async(seconds: float) -> None:
    """Let other tasks run."""
    import asyncio

    await asyncio.sleep(seconds)
