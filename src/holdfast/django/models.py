"""Tables of Holdfast's own, for tracking: used only where its settings say so."""

from __future__ import annotations

from typing import Any

from django.db import models


class Announcement(models.Model):
    """A row of the outbox: tags of a change that the store has yet to be told.

    Used with `HOLDFAST["CACHE"]["ON_OUTAGE"] = "outbox"`.
    """

    id: Any = models.BigAutoField(primary_key=True)
    tags: Any = models.TextField()

    class Meta:
        db_table = "holdfast_outbox"

    def __str__(self) -> str:
        return f"announcement {self.pk}"
