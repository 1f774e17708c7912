"""The system check of the caches: settings are found to be wrong at start, not at the first call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from ...startup import Problem
from .calls import Calls
from .parameters import read


def problems() -> Iterator[tuple[str, str]]:
    """Alias and fault of each cache of ours that can't be used. Connects to nothing."""
    sizes: dict[str, tuple[str, object]] = {}
    for alias, entry in settings.CACHES.items():
        params = dict(entry)
        try:
            backend = import_string(params.pop("BACKEND", ""))
        except ImportError:
            continue  # Django tells what can't be imported
        if not (isinstance(backend, type) and issubclass(backend, Calls)):
            continue
        location = params.pop("LOCATION", "")
        try:
            backend(location, params)
        except ImproperlyConfigured as error:
            yield alias, str(error)
            continue
        parameters = read(backend.kind, location, params)
        size = parameters.store.get("size")
        first, expected = sizes.setdefault(parameters.url, (alias, size))
        if size != expected:
            yield (
                alias,
                f"CACHES[{first!r}] and CACHES[{alias!r}] are in one file, with different MAX_BYTES."
                " Give both the same, or a LOCATION each.",
            )


@checks.register("holdfast", checks.Tags.caches)
def check_caches(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """`holdfast.E002`: a cache's settings make no sense."""
    return [
        checks.Error(fault, hint=f"Mend CACHES[{alias!r}].", id="holdfast.E002")
        for alias, fault in problems()
    ]


def unusable_caches() -> Iterator[Problem]:
    """The same for `holdfast.startup_problems()`: servers don't run Django's checks."""
    for alias, fault in problems():
        yield Problem("E002", fault, f"Mend CACHES[{alias!r}].")
