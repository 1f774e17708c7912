"""Telling others the figures of this process: once a second, in the background, never at a call.

One thread (or greenlet) of each process that caches writes down what has changed (`figures`), adds
it to Prometheus's files where several processes serve them (`metrics`), and hears whether the
command `holdfast cache verify` wants results to be compared (`verifying`). It begins with the first
call that finds nothing in the process's own memory, and ends with the process.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from typing import TYPE_CHECKING

from .. import configuration, framework
from ..stores.errors import StoreError
from . import background, figures, metrics, verifying, workers
from .events import all_counts, store_counts

if TYPE_CHECKING:
    from .events import Counts

logger = logging.getLogger("holdfast")

#: Seconds between two times, by default.
PUBLISH = 1.0
#: Seconds after which figures are written down although nothing has changed.
_STILL_THERE = 30.0
#: Seconds between two looks whether other processes are gone.
_FOLD_EVERY = 60.0

_TOO_OFTEN = 3

#: Whether there is such a thread. Read at each call that isn't served from memory.
begun = False

_to_end_with = False
_alone = threading.Lock()
_failures = 0


class _Publisher:
    """What was said of one store's results so far."""

    def __init__(self, store: str) -> None:
        self._store = store
        self._member = self._as_member()
        self._base = figures.Figures()
        self._said: figures.Figures | None = None
        self._said_at = 0.0
        self._is_registered = False
        self._fold_at = 0.0

    @staticmethod
    def _as_member() -> figures.Member:
        this = workers.this_worker()
        return figures.Member(this.token.hex(), this.host, this.pid, this.began, this.command)

    def publish(self) -> None:
        """Say what has changed.

        Raises:
            StoreError: the store could not be told.
        """
        place = figures.place_of(self._store)
        known, order = figures.heard(place, self._member.token)
        verifying.obey(self._store, order)
        if self._is_registered and not known:
            self._begin_anew()
        found = self._found()
        now = time.monotonic()
        if found == self._said and self._is_registered and now - self._said_at < _STILL_THERE:
            return
        self._member.figures = found
        figures.write(place, self._member)
        self._said, self._said_at = found, now
        if not self._is_registered:
            self._is_registered = figures.register(place, self._member)
        if now >= self._fold_at:
            self._fold_at = now + _FOLD_EVERY
            figures.fold(place)

    def _found(self) -> figures.Figures:
        found = figures_of(self._store)
        found.add(self._base, -1)
        return found

    def _begin_anew(self) -> None:
        """It was taken for gone, and what it said was added to what others who are gone said."""
        if self._said is not None:
            self._base.add(self._said)
        workers.renew()
        self._member = self._as_member()
        self._is_registered = False


_publishers: dict[str, _Publisher] = {}


def figures_of(store: str) -> figures.Figures:
    """Those of this process, for one store's results, as they are now."""
    found = figures.Figures()
    for name, counts in all_counts().items():
        if counts.store == store:
            found.names[name] = _figures_of(counts)
    of_store = store_counts(store)
    found.store = {"errors": of_store.errors, "breaks": of_store.breaks, **metrics.of_tier(store)}
    for ask in framework.figures:
        found.framework.update(ask())
    found.differences = verifying.differences(store)
    return found


def _figures_of(counts: Counts) -> dict[str, object]:
    told = {name: figure for name, figure in counts.as_dict().items() if figure}
    further = {"queries": dict(counts.queries), "reasons": dict(counts.reasons)}
    return {**told, **{name: some for name, some in further.items() if some}}


def begin() -> None:
    """Begin to tell, if nobody does."""
    global begun, _to_end_with
    if begun:
        return
    begun = True
    _begin_metrics()
    if not _to_end_with:
        _to_end_with = True
        atexit.register(publish)
    if not background.run_aside(_run, "holdfast-cache-figures"):
        begun = False


def _begin_metrics() -> None:
    """Tell metrics; a call for a cached result must not fail because nobody can be told of it."""
    try:
        metrics.begin()
    except ModuleNotFoundError as error:
        logger.error(  # noqa: TRY400 - its traceback says nothing more
            "HOLDFAST['CACHE']['METRICS'] needs the package %s, which is not installed: pip"
            " install 'holdfast[prometheus]' or 'holdfast[opentelemetry]'.",
            (error.name or "").partition(".")[0],
        )
    except Exception:
        logger.exception("The metrics of cached results can't be told")


def publish(patience: float = 1.0) -> None:
    """Tell now. Does nothing where there is nothing to tell, or nobody to be told.

    Args:
        patience: seconds to wait for who is just telling, and may have begun before what is news.
    """
    global _failures
    held = _alone
    if not begun or not held.acquire(timeout=patience):
        return
    try:
        metrics.tick()
        stores = {counts.store for counts in all_counts().values() if counts.store}
        for store in stores if _interval() is not None else ():
            publisher = _publishers.get(store) or _publishers.setdefault(store, _Publisher(store))
            try:
                publisher.publish()
            except (StoreError, configuration.ConfigurationError):
                continue  # next time, or never: nobody waits for it
        _failures = 0
    except Exception:
        # Once may be a store that was just closed, for there are other settings.
        _failures += 1
        if _failures == _TOO_OFTEN:
            logger.warning("The figures of cached results can't be told", exc_info=True)
    finally:
        held.release()


def _run() -> None:
    global begun
    try:
        while True:
            background.sleep(_interval() or PUBLISH, keeps=False)
            publish(0)
    finally:
        begun = False


def _interval() -> float | None:
    found: float | None = configuration.setting("CACHE", {}).get("PUBLISH", PUBLISH)
    return found


def _forget() -> None:
    """There are other settings: what is told belongs to the stores of the old ones."""
    _publishers.clear()
    for counts in all_counts().values():
        counts.store = ""
    if begun:
        _begin_metrics()


def _in_child() -> None:
    global begun, _alone
    begun = False
    _alone = threading.Lock()
    _publishers.clear()


configuration.listeners.append(_forget)
os.register_at_fork(after_in_child=_in_child)
