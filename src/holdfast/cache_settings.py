"""Checks HOLDFAST["CACHE"]: how results are cached in this process."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from .spelling import ConfigurationError, meant

#: Who may be told the figures.
METRICS = ("opentelemetry", "prometheus")

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


def _flag(place: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{place} must be True or False, not {value!r}.")


def _one_of(*known: str) -> Callable[[str, Any], None]:
    def check(place: str, value: Any) -> None:
        if value not in known:
            choice = " or ".join(map(repr, known))
            raise ConfigurationError(f"{place} must be {choice}, not {value!r}.")

    return check


def _names(place: str, value: Any) -> None:
    is_list = isinstance(value, Collection) and not isinstance(value, str)
    if not is_list or not all(isinstance(name, str) for name in value):
        raise ConfigurationError(f"{place} must be a list of names, not {value!r}.")


def _lags(place: str, value: Any) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(alias, str) for alias in value):
        raise ConfigurationError(
            f"{place} must be a dict such as {{'replica': 5.0}}, of aliases and of the seconds by"
            f" which each may be behind, not {value!r}."
        )
    for alias, seconds in value.items():
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if seconds is not None and not (is_number and seconds >= 0):
            raise ConfigurationError(
                f"{place}[{alias!r}] must be a number of seconds, or None where nobody knows it,"
                f" not {seconds!r}."
            )


def _interval(place: str, value: Any) -> None:
    if value is not None:
        _seconds(place, value)


def _metrics(place: str, value: Any) -> None:
    _names(place, value)
    for name in value:
        if name not in METRICS:
            raise ConfigurationError(f"{place} knows no {name!r}.{meant(name, METRICS)}")


def _shares(place: str, value: Any) -> None:
    if isinstance(value, Mapping):
        for name, share in value.items():
            if not isinstance(name, str):
                raise ConfigurationError(f"{place} must have names as keys, not {name!r}.")
            _share(f"{place}[{name!r}]", share)
    else:
        _share(place, value)


def _share(place: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ConfigurationError(
            f"{place} must be a share of hits, from 0 to 1, or a dict of shares by name, not"
            f" {value!r}."
        )


#: By key: what raises, given the place and a value that makes no sense.
KEYS: dict[str, Callable[[str, Any], None]] = {
    "COMMIT_TIMEOUT": _seconds,
    "FLOOD": _count,
    "METRICS": _metrics,
    "ON_OUTAGE": _one_of("strict", "outbox"),
    "PUBLISH": _interval,
    "PURE_FUNCTIONS": _names,
    "REPLICAS": _lags,
    "TIER_BYTES": _bytes,
    "TRACKING": _flag,
    "TRIGGERS": _flag,
    "VERIFY": _shares,
    "VERSIONS": _one_of("store", "database"),
}
