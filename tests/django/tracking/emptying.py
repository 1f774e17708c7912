"""An empty database for the next case."""

from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection, transaction


def empty() -> None:
    if connection.in_atomic_block:
        connection.close()
    models = [
        model
        for model in apps.get_app_config("shop").get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    ]
    with (
        connection.constraint_checks_disabled(),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        for model in models:
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        cursor.execute("DELETE FROM holdfast_outbox")
    Group.objects.all().delete()
