"""The one dict of settings: `HOLDFAST` in Django's settings, `holdfast.configure` elsewhere."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any

from .scope.autocarry import KINDS, carry_automatically


class ConfigurationError(ValueError):
    """The settings hold something that Holdfast can't make sense of."""


def configure(settings: Mapping[str, Any]) -> None:
    """Apply settings, where there is no Django to do it. Before first use, in each process.

        holdfast.configure({"CARRY": ["threads", "executors", "greenlets"]})

    Args:
        settings: the same dict as `HOLDFAST` in Django's settings.

            `CARRY`: kinds of work that belong to the request which starts them without
            `holdfast.carry`: any of "threads", "executors", "greenlets". Default: none.

    Raises:
        ConfigurationError: a key or value is unknown. Nothing has been applied then.
    """
    carry = validated(settings).get("CARRY", ())
    carry_automatically(frozenset(carry))


def validated(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """*settings* as they are, if each key and value is known."""
    if not isinstance(settings, Mapping):
        raise ConfigurationError(f"HOLDFAST must be a dict, not {settings!r}.")
    for key in settings:
        if key not in _KEYS:
            raise ConfigurationError(f"HOLDFAST has no key {key!r}.{_meant(key, _KEYS)}")
    carry = settings.get("CARRY", ())
    is_list = isinstance(carry, Collection) and not isinstance(carry, str)
    if not is_list or not all(isinstance(kind, str) for kind in carry):
        raise ConfigurationError(
            f"HOLDFAST['CARRY'] must be a list such as ['threads'], not {carry!r}."
        )
    for kind in carry:
        if kind not in KINDS:
            raise ConfigurationError(
                f"HOLDFAST['CARRY'] knows no {kind!r}.{_meant(kind, sorted(KINDS))}"
            )
    return settings


_KEYS = ("CARRY",)


def _meant(given: object, known: tuple[str, ...] | list[str]) -> str:
    close = difflib.get_close_matches(str(given).upper(), [name.upper() for name in known], n=1)
    for name in known:
        if close and name.upper() == close[0]:
            return f" Did you mean {name!r}?"
    return f" Known: {', '.join(known)}."
