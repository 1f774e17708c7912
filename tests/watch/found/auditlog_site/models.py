import older_django
from audit_log.models.fields import LastUserField
from django.db import models

older_django.bring_back_callable_is_authenticated()


class Note(models.Model):
    text = models.CharField(max_length=100)
    modified_by = LastUserField()
