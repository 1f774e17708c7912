"""Tags in the application's own database: `HOLDFAST["CACHE"]["VERSIONS"] = "database"`."""

from __future__ import annotations

from . import switch


def use(wanted: bool) -> None:  # noqa: FBT001
    """Keep tags in the database, or don't."""
    if wanted:
        return
    switch.in_database = None
