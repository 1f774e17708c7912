"""Settings of the tracking: keys of `HOLDFAST["CACHE"]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import configuration

#: Seconds by which a replica may be behind, where the settings don't say.
REPLICA_LAG = 10.0


def cache_setting(key: str, default: Any) -> Any:
    """What was set in `HOLDFAST["CACHE"]`."""
    given: Mapping[str, Any] = configuration.setting("CACHE", None) or {}
    return given.get(key, default)


def on_outage() -> str:
    """`ON_OUTAGE`: "strict": the write fails; "outbox": it goes ahead, and is announced later."""
    return str(cache_setting("ON_OUTAGE", "strict"))


def has_triggers() -> bool:
    """`TRIGGERS`: whether triggers tell of what isn't tracked, so that what is has to say so."""
    return bool(cache_setting("TRIGGERS", False))


def is_versioned_in_database() -> bool:
    """`VERSIONS`: whether tags are kept in the application's own database."""
    return bool(cache_setting("VERSIONS", "store") == "database")


def replicas() -> Mapping[str, float | None]:
    """`REPLICAS`: by alias, by how many seconds it may be behind; None: nobody knows."""
    found: Mapping[str, float | None] = cache_setting("REPLICAS", {})
    return found


def harmless_functions() -> frozenset[str]:
    """`PURE_FUNCTIONS`: SQL functions that read and write no table."""
    return frozenset(name.casefold() for name in cache_setting("PURE_FUNCTIONS", ()))
