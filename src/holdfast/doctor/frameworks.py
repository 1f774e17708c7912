"""What Django, Django REST framework, Channels and others make of a class: how long objects live.

Names are where a class is defined and where it is re-exported, without the package's version: the
doctor reads projects whose packages may not be installed.
"""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    """What an object is for, which says how long it lives."""

    MIDDLEWARE = "a middleware lives as long as its process"
    ADMIN = "a ModelAdmin lives as long as its process"
    FEED = "a feed in a URLconf lives as long as its process"
    NODE = "a template node lives as long as its template, which the loader keeps for all requests"
    CALLABLE_VIEW = "an object in a URLconf lives as long as its process"
    SINGLETON = "an object that is made at import lives as long as its process"
    VIEW = "a class-based view is made for each request"
    REQUEST = "it is made for each request"
    MODEL = "a model's object is one row, as one piece of code has loaded it"
    CONSUMER = "a consumer serves one connection"
    COMMAND = "a command runs once, in a process of its own"
    TEST = "a test"
    OTHER = ""


#: Those that many requests share, in any number of threads and tasks at once.
SHARED = frozenset(
    {Kind.MIDDLEWARE, Kind.ADMIN, Kind.FEED, Kind.NODE, Kind.CALLABLE_VIEW, Kind.SINGLETON}
)

_BY_MODULE: list[tuple[str, Kind, tuple[str, ...]]] = [
    ("django.utils.deprecation", Kind.MIDDLEWARE, ("MiddlewareMixin",)),
    ("django.contrib.admin", Kind.REQUEST, ("TabularInline", "StackedInline", "InlineModelAdmin")),
    (
        "django.contrib.admin.options",
        Kind.REQUEST,
        ("TabularInline", "StackedInline", "InlineModelAdmin"),
    ),
    ("django.contrib.admin", Kind.ADMIN, ("ModelAdmin", "AdminSite")),
    ("django.contrib.admin.options", Kind.ADMIN, ("ModelAdmin", "BaseModelAdmin")),
    ("django.contrib.admin.sites", Kind.ADMIN, ("AdminSite",)),
    ("django.contrib.auth.admin", Kind.ADMIN, ("UserAdmin", "GroupAdmin")),
    ("django.contrib.flatpages.admin", Kind.ADMIN, ("FlatPageAdmin",)),
    ("django.contrib.gis.admin", Kind.ADMIN, ("OSMGeoAdmin", "GISModelAdmin", "GeoModelAdmin")),
    ("django.contrib.syndication.views", Kind.FEED, ("Feed",)),
    ("django.contrib.sitemaps", Kind.REQUEST, ("Sitemap", "GenericSitemap")),
    ("django.template", Kind.NODE, ("Node",)),
    ("django.template.base", Kind.NODE, ("Node", "TextNode", "VariableNode")),
    ("django.template.library", Kind.NODE, ("SimpleNode", "InclusionNode", "TagHelperNode")),
    ("django.template.defaulttags", Kind.NODE, ("URLNode", "IfNode", "ForNode", "WithNode")),
    ("classytags.core", Kind.NODE, ("Tag",)),
    (
        "classytags.helpers",
        Kind.NODE,
        ("AsTag", "InclusionTag", "FlattenedInclusionTag"),
    ),
    ("django.core.management.base", Kind.COMMAND, ("BaseCommand", "AppCommand", "LabelCommand")),
    ("django.core.management", Kind.COMMAND, ("BaseCommand",)),
    ("django.apps", Kind.COMMAND, ("AppConfig",)),
    ("django.db.models", Kind.MODEL, ("Model",)),
    ("django.db.models.base", Kind.MODEL, ("Model",)),
    ("mptt.models", Kind.MODEL, ("MPTTModel",)),
    ("polymorphic.models", Kind.MODEL, ("PolymorphicModel",)),
    ("django.contrib.auth.models", Kind.MODEL, ("AbstractUser", "AbstractBaseUser", "User")),
    ("unittest", Kind.TEST, ("TestCase",)),
    (
        "django.test",
        Kind.TEST,
        ("TestCase", "SimpleTestCase", "TransactionTestCase", "LiveServerTestCase", "Client"),
    ),
]

#: Modules all of whose classes are of one kind.
_WHOLE: list[tuple[str, Kind]] = [
    ("django.views", Kind.VIEW),
    ("rest_framework.views", Kind.VIEW),
    ("rest_framework.generics", Kind.VIEW),
    ("rest_framework.viewsets", Kind.VIEW),
    ("rest_framework.mixins", Kind.VIEW),
    ("rest_framework", Kind.REQUEST),
    ("django.forms", Kind.REQUEST),
    ("django.contrib.auth.forms", Kind.REQUEST),
    ("django.contrib.admin.views.main", Kind.REQUEST),
    ("django.contrib.admin.filters", Kind.REQUEST),
    ("django.contrib.auth.mixins", Kind.VIEW),
    ("django.contrib.auth.views", Kind.VIEW),
    ("django.contrib.sessions.backends", Kind.REQUEST),
    ("django.contrib.messages.storage", Kind.REQUEST),
    ("django.http", Kind.REQUEST),
    ("channels.generic", Kind.CONSUMER),
    ("channels.consumer", Kind.CONSUMER),
    ("formtools.wizard", Kind.VIEW),
    ("django_filters", Kind.REQUEST),
    ("django_tables2", Kind.REQUEST),
    ("wagtail.views", Kind.VIEW),
    ("import_export.resources", Kind.REQUEST),
    ("import_export.admin", Kind.ADMIN),
    ("mptt.admin", Kind.ADMIN),
    ("polymorphic.admin", Kind.ADMIN),
    ("reversion.admin", Kind.ADMIN),
    ("guardian.admin", Kind.ADMIN),
    ("django.core.files.storage", Kind.SINGLETON),
    ("django.contrib.staticfiles.storage", Kind.SINGLETON),
    ("django.template.loaders", Kind.SINGLETON),
    ("django.contrib.sessions.middleware", Kind.MIDDLEWARE),
    ("django.contrib.auth.middleware", Kind.MIDDLEWARE),
    ("django.middleware", Kind.MIDDLEWARE),
]

_EXACT = {
    f"{module}.{name}": kind for module, kind, names in reversed(_BY_MODULE) for name in names
}


def kind_of_base(full: str) -> Kind | None:
    """The kind of classes that inherit from a framework's class, if it is known."""
    exact = _EXACT.get(full)
    if exact is not None:
        return exact
    for module, kind in _WHOLE:
        if full.startswith(f"{module}."):
            return kind
    return None


#: What puts an object into a URLconf.
URLS = frozenset(
    {
        "django.urls.path",
        "django.urls.re_path",
        "django.urls.conf.path",
        "django.urls.conf.re_path",
        "django.conf.urls.url",
        "django.conf.urls.defaults.url",
        "django.conf.urls.patterns",
        "django.conf.urls.defaults.patterns",
    }
)

#: Decorators whose functions run for a request, with an event, or while a template renders.
RECEIVERS = frozenset({"django.dispatch.receiver", "django.dispatch.dispatcher.receiver"})
