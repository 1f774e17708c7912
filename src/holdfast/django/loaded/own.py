"""Holdfast's own middleware and wrappers: are they where they have to be?"""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.core import checks

from .places import Places
from .seen import Seen

_APP = "holdfast.django"
#: The doctor says these itself, with their places.
_SAID = frozenset({"holdfast.W201"})
_SEVERITY = {checks.ERROR: "error", checks.WARNING: "warning", checks.INFO: "info"}
_SETTINGS = {"E": "HOLDFAST", "W0": "MIDDLEWARE", "W2": "MIDDLEWARE", "I2": "ASGI_APPLICATION"}


def look(places: Places) -> Iterator[Seen]:
    """What Holdfast's system checks say, and whether they are there to say it."""
    if not apps.is_installed(_APP):
        uses = [one for one in settings.MIDDLEWARE if one.startswith("holdfast.")]
        if uses or hasattr(settings, "HOLDFAST"):
            yield Seen(
                "H2a",
                places.setting("INSTALLED_APPS"),
                "INSTALLED_APPS",
                _APP,
                "warning",
                f"{_APP} is not in INSTALLED_APPS: the setting HOLDFAST is not applied, and nothing"
                " checks it.",
                f'INSTALLED_APPS += ["{_APP}"]',
            )
        return
    for message in checks.run_checks(tags=["holdfast"]):
        if message.id is None or message.id in _SAID or message.is_silenced():
            continue
        code = message.id.rpartition(".")[2]
        setting = next((s for start, s in _SETTINGS.items() if code.startswith(start)), "HOLDFAST")
        yield Seen(
            "H2a",
            places.setting(setting),
            setting,
            message.id,
            _SEVERITY.get(message.level, "info"),
            f"{message.msg} ({message.id})",
            message.hint or "",
        )
