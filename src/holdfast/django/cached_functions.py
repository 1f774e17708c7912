"""What Django knows that functions with `holdfast.cached` need."""

from __future__ import annotations

import sys
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import connections, models
from django.http import Http404

from .. import framework


def tell() -> None:
    """Say so, once, when the project starts."""
    for error in (Http404, ObjectDoesNotExist):
        if error not in framework.absent_errors:
            framework.absent_errors.append(error)
    if name_of_instance not in framework.key_makers:
        framework.key_makers.append(name_of_instance)
    if close_connections not in framework.after_background_work:
        framework.after_background_work.append(close_connections)
    if framework.snapshot is None:
        framework.snapshot = _snapshot
        framework.async_snapshot = _async_snapshot
        framework.comparable.append(_rows_of)
        framework.figures.append(_counted)


# Each loads its module when it is first used.


def _snapshot(tags: Collection[bytes]) -> AbstractContextManager[None]:
    from .verifying import snapshot

    return snapshot(tags)


def _async_snapshot(tags: Collection[bytes]) -> AbstractAsyncContextManager[None]:
    from .verifying import async_snapshot

    return async_snapshot(tags)


def _rows_of(value: Any) -> Any:
    from .verifying import rows_of

    return rows_of(value)


def _counted() -> dict[str, int]:
    counters = sys.modules.get("holdfast.django.tracking.counters")
    return {} if counters is None else dict(counters.events.snapshot())


def name_of_instance(value: Any) -> Any:
    """A model's instance is its primary key, in its database."""
    if not isinstance(value, models.Model):
        return NotImplemented
    if value.pk is None:
        raise TypeError(
            f"A key can't be made of a {value._meta.label} that was not saved: it has no primary"  # noqa: SLF001 - documented by Django
            " key yet."
        )
    return value._state.db, value.pk  # noqa: SLF001 - likewise


def close_connections() -> None:
    """Those of this thread, which ends."""
    connections.close_all()
