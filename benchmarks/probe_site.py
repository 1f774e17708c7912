"""A site as most are, for `probe`: Django's usual middleware, and a page out of a database.

Imported by servers: `benchmarks.probe_site:wsgi` and `benchmarks.probe_site:asgi`.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import django
from django.conf import settings

#: Where the database is. In `probe`, too: who imports this module has its settings.
DATABASE_VARIABLE = "HOLDFAST_BENCHMARK_DATABASE"

_TEMPLATE = """<!doctype html><title>Articles</title>{% csrf_token %}
<form><input name="q" value="{{ query }}"></form>
{% for article in articles %}<article><h2>{{ article.name|title }}</h2>
<p>{{ article.action_flag }} {{ article.id|add:1 }} {% if article.id > 3 %}more{% endif %}</p>
</article>{% empty %}nothing{% endfor %}<p>{{ count }} in all, for {{ request.user }}</p>"""
_ARTICLES = 20

logging.getLogger().setLevel(logging.WARNING)
settings.configure(
    SECRET_KEY="only for benchmarks",  # noqa: S106
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    LOGGING_CONFIG=None,
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ],
                "loaders": [
                    ("django.template.loaders.locmem.Loader", {"articles.html": _TEMPLATE})
                ],
            },
        }
    ],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get(DATABASE_VARIABLE, ":memory:"),
        }
    },
)
django.setup()

from django.contrib.contenttypes.models import ContentType  # noqa: E402 - needs the settings
from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpRequest, HttpResponse, JsonResponse  # noqa: E402
from django.shortcuts import render  # noqa: E402
from django.urls import path  # noqa: E402


def page(request: HttpRequest) -> HttpResponse:
    """A page as most are: some queries, a template."""
    rows = ContentType.objects.order_by("id")
    articles = [
        {"id": number, "name": f"{row.app_label} {row.model}", "action_flag": "new"}
        for number, row in enumerate(list(rows[:_ARTICLES]) * 4)
    ]
    query = request.GET.get("q", "")
    count = rows.exclude(model=query).count()
    context = {"articles": articles, "count": count, "query": query}
    return render(request, "articles.html", context)


def small(request: HttpRequest) -> HttpResponse:
    """The least that a view can do."""
    return HttpResponse("hello")


def ready(request: HttpRequest) -> HttpResponse:
    """Says that the server is up."""
    return JsonResponse({})


urlpatterns = [path("page/", page), path("small/", small), path("ready/", ready)]


def make_database() -> None:
    """Fill the database, once for all servers."""
    call_command("migrate", verbosity=0)


def __getattr__(name: str) -> Any:
    if name == "wsgi":
        return get_wsgi_application()
    if name == "asgi":
        return get_asgi_application()
    raise AttributeError(name)


if __name__ == "__main__":
    make_database()
    sys.exit(0)
