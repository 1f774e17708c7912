"""What Django had when these packages were written: names that it has renamed or removed since.

The packages themselves stay as they were published.
"""

from functools import partial
from typing import Any


class _CallableBool(int):
    """As `User.is_authenticated` was until Django 2.0: an attribute that one may also call."""

    def __call__(self) -> bool:
        return bool(self)


def bring_back_names() -> None:
    """To be called by the settings, before any app is imported."""
    from django.db.models import CASCADE, ForeignKey
    from django.utils import encoding, functional, translation

    encoding.smart_text = encoding.smart_str
    encoding.force_text = encoding.force_str
    translation.ugettext = translation.gettext
    translation.ugettext_lazy = translation.gettext_lazy
    functional.curry = partial
    original = ForeignKey.__init__

    def made(self: Any, to: Any, on_delete: Any = CASCADE, *args: Any, **named: Any) -> None:
        original(self, to, on_delete, *args, **named)

    ForeignKey.__init__ = made


def bring_back_callable_is_authenticated() -> None:
    """To be called when the apps are there."""
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

    AbstractBaseUser.is_authenticated = property(lambda _: _CallableBool(1))
    AnonymousUser.is_authenticated = property(lambda _: _CallableBool(0))


def adapted(middleware: type) -> type:
    """A middleware of Django 1.9's kind, as Django takes it today."""
    from django.utils.deprecation import MiddlewareMixin

    return type(middleware.__name__, (MiddlewareMixin, middleware), {})
