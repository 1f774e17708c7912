"""One page of a database: made anew, cached by Django, cached by us, and a constant of its length.

What a WSGI server imports is `benchmarks.cached_site:application`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.urls import path
from django.views.decorators.cache import cache_page

#: Where the folder with the database and the stores is, and Redis's socket.
FOLDER_VARIABLE = "HOLDFAST_BENCHMARK_FOLDER"
REDIS_VARIABLE = "HOLDFAST_BENCHMARK_REDIS"

CONSTANT, CACHE_PAGE, CACHED_VIEW = "/constant/", "/cache_page/", "/cached_view/"
MADE = "/made/"

_ROWS = 30
_TEMPLATE = """<!doctype html><title>{{ title }}</title>
{% for type in types %}<p>{{ type.pk }}: {{ type.app_label }}, {{ type.model }}{% endfor %}
"""


def _configure() -> None:
    folder = os.environ[FOLDER_VARIABLE]
    settings.configure(
        SECRET_KEY="for the benchmarks only",  # noqa: S106
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=["django.contrib.contenttypes", "holdfast.django"],
        LOGGING_CONFIG=None,
        USE_TZ=True,
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(Path(folder) / "pages.sqlite3"),
            }
        },
        CACHES={
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": f"unix://{os.environ[REDIS_VARIABLE]}?db=13",
            }
        },
        HOLDFAST={"STORES": {"cache": f"lmdb://{folder}/pages"}},
    )
    django.setup()


def _fill() -> None:
    """Make the database, with rows that look like content."""
    from django.contrib.contenttypes.models import ContentType
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    for number in range(_ROWS):
        ContentType.objects.get_or_create(app_label="library", model=f"article{number}")


def made(request: HttpRequest) -> HttpResponse:
    """A page as a view makes it."""
    from django.contrib.contenttypes.models import ContentType

    template = engines["django"].from_string(_TEMPLATE)
    types = ContentType.objects.order_by("-pk")[:_ROWS]
    return HttpResponse(template.render({"title": "Library", "types": types}))


def _views() -> list[Any]:
    import holdfast

    _fill()
    page = made(HttpRequest()).content

    def constant(request: HttpRequest) -> HttpResponse:
        return HttpResponse(page)

    def counted(request: HttpRequest) -> HttpResponse:
        return JsonResponse({"bytes": len(page)})

    return [
        path(MADE[1:], made),
        path(CONSTANT[1:], constant),
        path(CACHE_PAGE[1:], cache_page(600)(made)),
        path(CACHED_VIEW[1:], holdfast.django.cached_view(ttl=600)(made)),
        path("counted/", counted),
    ]


if FOLDER_VARIABLE in os.environ:
    _configure()
    urlpatterns = _views()
    application = WSGIHandler()
