"""Checks HOLDFAST["CACHE"]: how results are cached in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .spelling import ConfigurationError, meant

_PLACE = "HOLDFAST['CACHE']"


def validated_cache(settings: Any) -> None:
    """Raise, unless *settings* are known and make sense.

    Raises:
        ConfigurationError: they are not, or don't.
    """
    if not isinstance(settings, Mapping):
        raise ConfigurationError(f"{_PLACE} must be a dict, not {settings!r}.")
    for key, value in settings.items():
        if key not in KEYS:
            raise ConfigurationError(f"{_PLACE} has no key {key!r}.{meant(key, sorted(KEYS))}")
        KEYS[key](f"{_PLACE}[{key!r}]", value)


def _bytes(place: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(
            f"{place} must be a number of bytes, or 0 for none, not {value!r}."
        )


def _seconds(place: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ConfigurationError(f"{place} must be a number of seconds above 0, not {value!r}.")


def _count(place: str, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ConfigurationError(f"{place} must be a number from 1 on, or None, not {value!r}.")


#: By key: what raises, given the place and a value that makes no sense.
KEYS: dict[str, Callable[[str, Any], None]] = {
    "COMMIT_TIMEOUT": _seconds,
    "FLOOD": _count,
    "TIER_BYTES": _bytes,
}
