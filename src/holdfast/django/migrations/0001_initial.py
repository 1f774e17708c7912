"""The outbox, and versions in the database: empty where the settings don't use them."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Made with the first version."""

    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Announcement",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("tags", models.TextField()),
            ],
            options={"db_table": "holdfast_outbox"},
        ),
        migrations.CreateModel(
            name="Sequence",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("number", models.BigIntegerField(default=0)),
            ],
            options={"db_table": "holdfast_sequence"},
        ),
        migrations.CreateModel(
            name="Version",
            fields=[
                ("tag", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField()),
            ],
            options={"db_table": "holdfast_version"},
        ),
    ]
