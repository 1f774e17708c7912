"""`Site.objects.get_current()` while a result is made.

Django remembers sites for as long as a process lives, and nobody tells it what other processes
save. No query shows what a result took from there. So the row is read again, once for each result.
"""

from __future__ import annotations

import functools
import sys
from typing import Any
from weakref import WeakKeyDictionary

from django.core.exceptions import SynchronousOnlyOperation
from django.db.models.signals import class_prepared

from ...cache.recording import Recording, current_recordings
from . import switch

_MODULE = "django.contrib.sites.models"

#: What was read for results that are being made, by primary key: beside what Django remembered.
_read: WeakKeyDictionary[Recording, dict[Any, tuple[Any, Any]]] = WeakKeyDictionary()


def watch_sites() -> None:
    """Now, or when the app is loaded, if ever."""
    site = getattr(sys.modules.get(_MODULE), "Site", None)
    if site is None:
        class_prepared.connect(_prepared, dispatch_uid="holdfast.sites")
    else:
        _watch(site)


def _prepared(sender: Any, **kwargs: Any) -> None:
    if sender.__module__ == _MODULE and sender.__name__ == "Site":
        _watch(sender)


def _watch(site: Any) -> None:
    manager = type(site.objects)
    remembered = manager.get_current

    @functools.wraps(remembered)
    def get_current(self: Any, request: Any = None) -> Any:
        found = remembered(self, request)
        recordings = current_recordings() if switch.is_on else ()
        if not recordings:
            return found
        try:
            row = _row(self, found, recordings[0])
            if row is None or row.domain != found.domain:
                # So it may be out of date which domain is whose.
                self.clear_cache()
                found = remembered(self, request)
                row = _row(self, found, recordings[0])
        except SynchronousOnlyOperation:
            recordings[0].refuse(
                "Site.objects.get_current() in async code, where the Site can't be read: put it in"
                " sync_to_async"
            )
            return found
        return found if row is None else row

    manager.get_current = get_current


def _row(manager: Any, remembered: Any, recording: Recording) -> Any:
    read, pk = _read.setdefault(recording, {}), remembered.pk
    before, row = read.get(pk, (None, None))
    if before is not remembered:  # the result itself may save the Site, so that Django forgets it
        row = next(iter(manager.filter(pk=pk)), None)
        read[pk] = remembered, row
    return row
