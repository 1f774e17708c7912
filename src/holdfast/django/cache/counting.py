"""The figures of Django's caches, beside those of functions and views: `cache:default`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from ... import configuration
from ...cache import publishing
from ...cache.events import Counts, counts
from ...named_stores import CACHE

_TELLING = ("KEY_PREFIX", "VERSION")


def counts_of(location: object, params: Mapping[str, Any]) -> Counts:
    """The figures of the cache that was made of these settings; of the first one, of several."""
    for alias, given in settings.CACHES.items():
        same = all(given.get(key) == params.get(key) for key in _TELLING)
        if same and given.get("LOCATION", "") == location:
            return counts(f"cache:{alias}")
    # What isn't in the settings has no name, and a location may have a password in it.
    return counts("cache:")


def missed(figures: Counts) -> None:
    """A read has found nothing. See to it that the figures are told, if the settings want it."""
    figures.misses += 1
    if figures.store and publishing.begun:
        return
    # Not where there are no stores but the cache's own: nobody would look there.
    has_place = not {CACHE, "default"}.isdisjoint(configuration.setting("STORES", ()))
    if has_place:
        figures.store = CACHE
    if not publishing.begun and (has_place or configuration.setting("CACHE", {}).get("METRICS")):
        publishing.begin()
