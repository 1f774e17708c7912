"""What Django knows that functions with `holdfast.cached` need."""

from __future__ import annotations

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
