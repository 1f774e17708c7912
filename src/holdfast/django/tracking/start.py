"""Beginning to watch: by the setting `HOLDFAST["CACHE"]["TRACKING"]`, or by what needs it."""

from __future__ import annotations

import gc
import sys
from importlib.util import find_spec

from django.db.backends.base.base import BaseDatabaseWrapper

from ...cache import consistency as consistencies
from . import switch
from .errors import TrackingOff
from .settings import cache_setting, is_versioned_in_database

#: What needs the tracking, and began it without being told by the settings.
begun_by: list[str] = []
_is_started = False


def start() -> None:
    """Watch all connections of this process, those of other threads included.

    Raises:
        TrackingOff: the SQL parser isn't installed.
    """
    global _is_started
    if find_spec("sqlglot") is None:
        raise TrackingOff(
            "To know which rows a result was made of, Holdfast has to read SQL: pip install"
            " 'holdfast[tracking]'."
        )
    from . import database_versions, hooks, sites, snapshots

    if not _is_started:
        _is_started = True
        consistencies.install(snapshots.OfTransactions())
        hooks.watch_connections()
        sites.watch_sites()
        if "django.db.backends.utils" in sys.modules:
            _watch_other_threads()
    wanted = is_versioned_in_database()
    if wanted or switch.in_database is not None:
        database_versions.use(wanted=wanted)
    switch.is_on = True


def stop() -> None:
    """Look at nothing any more: for tests, and for settings that changed."""
    switch.is_on = False


def need_tracking(what: str) -> None:
    """Begin to watch, because *what* doesn't work without.

    Raises:
        TrackingOff: the settings say not to.
    """
    wanted = cache_setting("TRACKING", None)
    if wanted is False:
        raise TrackingOff(
            f"{what} has to know which rows are written. Set HOLDFAST['CACHE']['TRACKING'] = True,"
            " in all processes that write."
        )
    if not switch.is_on:
        start()
        if wanted is None:
            begun_by.append(what)


def _watch_other_threads() -> None:
    from . import hooks

    # They are known to their own threads alone.
    for found in gc.get_objects():
        kind = type(found)
        if issubclass(kind, BaseDatabaseWrapper):
            hooks.watch(found)
