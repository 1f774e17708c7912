"""A Django project in one file: an office whose pages want a login."""

import os
import sys
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application

HERE = Path(__file__).parent
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    AUTH_PASSWORD_VALIDATORS=[],
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HERE / "office.sqlite3"}
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="the-office-keeps-no-secrets",
    SESSION_COOKIE_SECURE=True,
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
)
application = get_wsgi_application()

from django.contrib import admin  # noqa: E402
from django.contrib.auth.decorators import login_required  # noqa: E402
from django.http import HttpResponse, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402

last = {}


@login_required
def desk(request):
    return HttpResponse(f"the desk of {request.user}")


@login_required
def mixed_up(request):
    """What a global does: the session of whoever came before."""
    before = last.get("key", "")
    last["key"] = request.session.session_key
    return HttpResponse(before)


@login_required
def order(request):
    return HttpResponse(f"ordered: {request.body.decode()}", status=201)


def item(request, number):
    return HttpResponse(f"item {number}")


def broken(request):
    raise RuntimeError


def schema(request):
    described = {"openapi": "3.1.0", "paths": {"/items/{number}/": {"get": {}}}}
    described["paths"]["/items/{number}/"]["parameters"] = [
        {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}
    ]
    return JsonResponse(described)


urlpatterns = [
    path("admin/", admin.site.urls),
    path("desk/", desk),
    path("mixed-up/", mixed_up),
    path("order/", order),
    path("items/<int:number>/", item),
    path("broken/", broken),
    path("schema/", schema),
]


def make():
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    for name in ("anna", "bert", "cleo"):
        User.objects.create_superuser(name, password=f"{name}s-password")


if __name__ == "__main__":
    if sys.argv[1:] == ["make"]:
        make()
    else:
        from django.core.management import execute_from_command_line

        (HERE / f"{os.getpid()}.pid").touch()
        execute_from_command_line(sys.argv)
