"""What Django knows that functions with `holdfast.cached` need."""

from __future__ import annotations

import sys
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import connections, models, router
from django.http import Http404
from django.utils.functional import LazyObject, empty

from .. import framework


def tell() -> None:
    """Say so, once, when the project starts."""
    for error in (Http404, ObjectDoesNotExist):
        if error not in framework.absent_errors:
            framework.absent_errors.append(error)
    if held_by not in framework.stand_ins:
        framework.stand_ins.append(held_by)
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


def held_by(value: Any) -> Any:
    """What a lazy object, such as `request.user`, stands for; anything else itself."""
    while issubclass(type(value), LazyObject):  # isinstance would believe what it pretends to be
        if value._wrapped is empty:  # noqa: SLF001 - there is no public way
            value._setup()  # noqa: SLF001
        value = value._wrapped  # noqa: SLF001
    return value


def name_of_instance(value: Any) -> Any:
    """A model's instance is a row: its primary key, in its database. Proxy models make no other."""
    if not isinstance(value, models.Model):
        return NotImplemented
    options = value._meta  # noqa: SLF001 - documented by Django
    if value.pk is None:
        raise TypeError(
            f"A key can't be made of a {options.label} that was not saved: it has no primary key"
            " yet."
        )
    alias = value._state.db  # noqa: SLF001 - likewise
    if alias is None:
        # Made by hand, to stand for the row that it would be saved as.
        alias = router.db_for_write(type(value), instance=value)
    return options.concrete_model, (_not_a_mirror(alias), value.pk)


def _not_a_mirror(alias: str) -> str:
    """The alias of the database that *alias* is declared to be a replica of, or itself.

    Nothing else is taken for the same: databases of one name on several hosts may be shards.
    """
    # An instance may come from a process that has other databases.
    settings = connections.settings.get(alias, {})
    return settings.get("TEST", {}).get("MIRROR") or alias


def close_connections() -> None:
    """Those of this thread, which ends."""
    connections.close_all()
