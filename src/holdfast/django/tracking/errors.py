"""What goes wrong when a write can't be announced."""

from __future__ import annotations

from django.db import OperationalError


class WriteNotAnnounced(OperationalError):  # noqa: N818 - says what happened
    """The store of cached results didn't answer, so the transaction was not committed.

    One of Django's database errors, so that a block of `atomic` is rolled back. With
    `HOLDFAST["CACHE"]["ON_OUTAGE"] = "outbox"` the write goes ahead.
    """


class TrackingOff(RuntimeError):  # noqa: N818 - a state, not a mistake
    """Something needs to know which rows are read and written, and nobody watches."""
