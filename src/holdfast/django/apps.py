"""The Django app: `INSTALLED_APPS += ["holdfast.django"]`."""

from __future__ import annotations

import sys

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import register

from .. import configuration, framework
from ..startup import add_check, note_forks


class HoldfastConfig(AppConfig):
    """Applies the setting `HOLDFAST` and registers the system checks."""

    name = "holdfast.django"
    label = "holdfast"
    verbose_name = "Holdfast"

    def ready(self) -> None:
        """Called by Django once all apps are loaded."""
        from . import cached_functions, checks, lazy_objects
        from .cache.checks import unusable_caches
        from .stack.checks import check_stack

        register(check_stack, "holdfast")
        note_forks()
        cached_functions.tell()
        lazy_objects.tell()
        framework.in_tests = in_tests
        add_check(checks.async_code_under_green_threads)
        add_check(checks.unusable_setting)
        add_check(unusable_caches)
        problem = checks.settings_problem()
        if problem is None:
            # A wrong setting is reported by the checks, with its reason, not by a traceback here.
            base = getattr(settings, "BASE_DIR", None)
            configuration.apply(
                getattr(settings, "HOLDFAST", {}), secrets, None if base is None else str(base)
            )
            if (getattr(settings, "HOLDFAST", {}).get("CACHE") or {}).get("TRACKING"):
                from .tracking.start import start

                start()


def in_tests() -> bool:
    """Whether Django's test environment is set up, by its own runner or by pytest-django."""
    return hasattr(sys.modules.get("django.core.mail"), "outbox")


def secrets() -> list[str | bytes]:
    """The keys that pickles are signed with, and may have been signed with."""
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
