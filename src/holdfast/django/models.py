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


class Sequence(models.Model):
    """The number of the last tracked commit: one row.

    Used with `HOLDFAST["CACHE"]["VERSIONS"] = "database"`, as is `Version`.
    """

    id: Any = models.SmallIntegerField(primary_key=True)
    number: Any = models.BigIntegerField(default=0)

    class Meta:
        db_table = "holdfast_sequence"

    def __str__(self) -> str:
        return f"commit {self.number}"


class Version(models.Model):
    """A tag, by its digest, and the number of the last commit that changed what it stands for."""

    tag: Any = models.CharField(max_length=32, primary_key=True)
    number: Any = models.BigIntegerField()

    class Meta:
        db_table = "holdfast_version"

    def __str__(self) -> str:
        return f"{self.tag} {self.number}"
