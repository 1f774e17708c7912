"""What the setting HOLDFAST names that isn't there: stores, functions, libraries, databases."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings

from .. import named_stores
from ..configuration import ConfigurationError, validated

#: How much a name resembles one that was meant.
_ALIKE = 0.8


def errors() -> Iterator[str]:
    """What can't be used. Imports what dotted paths name, and connects to nothing."""
    given = getattr(settings, "HOLDFAST", {})
    try:
        validated(given)
    except ConfigurationError as error:
        yield str(error)
        return  # the rest may be of any type
    for name, store in given.get("STORES", {}).items():
        fault = named_stores.fault(name, store)
        if fault is not None:
            yield fault
    if "LOG" in given:
        from ..log.faults import faults
        from ..log_settings import validated_log

        yield from faults(validated_log(given["LOG"]))


def doubts() -> Iterator[str]:
    """What can be used, and is hardly what was meant; where there are no `errors`."""
    given: Mapping[str, Any] = getattr(settings, "HOLDFAST", {})
    yield from _misspelt_stores(given.get("STORES", {}))
    replicas = given.get("CACHE", {}).get("REPLICAS", {})
    for alias in replicas:
        if alias not in settings.DATABASES:
            yield (
                f"HOLDFAST['CACHE']['REPLICAS'] names {alias!r}, which DATABASES doesn't have."
                f"{_perhaps(alias, settings.DATABASES)}"
            )
    if "LOG" in given:
        from ..log.faults import missing_folder
        from ..log_settings import validated_log

        folder = missing_folder(validated_log(given["LOG"]))
        if folder is not None:
            yield (
                f"HOLDFAST['LOG']['OUTPUT'] is a file in {folder}, which this machine doesn't have:"
                " its events will be lost."
            )


def _misspelt_stores(stores: Mapping[str, Any]) -> Iterator[str]:
    # Any name may be one that code asks for. But who misspells one of ours keeps state elsewhere.
    for ours in ("default", named_stores.CACHE):
        others = [name for name in stores if name not in ("default", named_stores.CACHE)]
        if ours not in stores:
            for name in difflib.get_close_matches(ours, others, n=1, cutoff=_ALIKE):
                yield (
                    f"HOLDFAST['STORES'] has no {ours!r}, but a store {name!r}, which only code"
                    f" uses that asks for it by this name. Did you mean {ours!r}?"
                )


def _perhaps(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
