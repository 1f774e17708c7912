"""The system check of the caches: wrong settings are found at start, not at the first call."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from ...startup import Problem


@checks.register("holdfast", checks.Tags.caches)
def check_caches(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """`holdfast.E002`: a cache's settings make no sense."""
    return [
        checks.Error(fault, hint=f"Mend CACHES[{alias!r}].", id="holdfast.E002")
        for alias, fault in _faults(importing=True)
    ]


def unusable_caches() -> Iterator[Problem]:
    """The same for `holdfast.startup_problems()`: servers don't run Django's checks (E002)."""
    for alias, fault in _faults(importing=False):
        yield Problem("E002", fault, f"Mend CACHES[{alias!r}].")


def _faults(*, importing: bool) -> Iterator[tuple[str, str]]:
    """Alias and fault of each cache of ours that can't be used. Connects to nothing.

    Args:
        importing: whether modules of other people may be imported to see what they hold.
    """
    sizes: dict[str, tuple[str, object]] = {}
    for alias, entry in settings.CACHES.items():
        params = dict(entry)
        path = str(params.pop("BACKEND", ""))
        module = path.rpartition(".")[0]
        is_ours = module.startswith("holdfast.")
        if not (importing or is_ours or module in sys.modules):
            continue
        try:
            backend: Any = import_string(path)
        except ImportError as error:
            if is_ours:
                yield alias, str(error)
            continue  # of others, Django tells
        if not _is_ours(backend):
            continue
        location = params.pop("LOCATION", "")
        try:
            fault = backend(location, params).fault
        except (ImproperlyConfigured, ImportError) as error:
            fault = str(error)
        if fault is not None:
            yield alias, fault
            continue
        from .parameters import read

        parameters = read(backend.kind, location, params)
        size = parameters.store.get("size")
        first, expected = sizes.setdefault(parameters.url, (alias, size))
        if size != expected:
            fault = (
                f"CACHES[{first!r}] and CACHES[{alias!r}] are in one file, with different"
                " MAX_BYTES. Give both the same, or a LOCATION each."
            )
            yield alias, fault


def _is_ours(backend: object) -> bool:
    # Who never imported our base class can't have derived from it.
    if f"{__package__}.calls" not in sys.modules:
        return False
    from .calls import Calls

    return isinstance(backend, type) and issubclass(backend, Calls)
