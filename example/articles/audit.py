"""A signal receiver that knows whose request it runs in, although nobody told it."""

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

import holdfast
from articles.models import AuditEntry, Comment


@receiver(post_save, sender=Comment)
def note_who_commented(instance: Comment, *, created: bool, **kwargs: Any) -> None:
    # Comments that a job or a shell makes have no request, and leave no entry.
    if created and holdfast.current(None) is not None:
        AuditEntry.objects.create(
            comment=instance,
            who=holdfast.request.user.get_username(),
            path=holdfast.request.get_full_path(),
        )
