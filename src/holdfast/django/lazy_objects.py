"""What Django loads when it is looked at: the log must not be who looks first."""

from __future__ import annotations

from typing import Any

from django.utils.functional import LazyObject, empty

from .. import framework


def tell() -> None:
    """Say so, once, when the project starts."""
    framework.unread = _is_unread


def _is_unread(value: Any) -> bool:
    # By its type: `isinstance` asks for its class, which is that of what it loads.
    return issubclass(type(value), LazyObject) and value._wrapped is empty  # noqa: SLF001
