"""Settings of the example. Two entries are all that Holdfast needs: they are marked."""

import os
from pathlib import Path

from newsroom.database import database_from_url, sqlite

BASE_DIR = Path(__file__).resolve().parent.parent

# An example may carry its key in the open. Yours may not.
SECRET_KEY = os.environ.get("SECRET_KEY", "an-example-keeps-no-secrets-" + "0123456789" * 3)
DEBUG = os.environ.get("DEBUG") == "1"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", "testserver"]

# Show what went wrong to whoever asked, instead of "Server Error (500)". The demo counts it.
SHOW_ERRORS = DEBUG or os.environ.get("SHOW_ERRORS") == "1"

INSTALLED_APPS = [
    "holdfast.django",  # <- Holdfast: its start-up checks
    "labels",
    "articles",
    "reading",
    "rest_framework",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "holdfast.django.middleware.RequestScope",  # <- Holdfast: first, so that all others are inside
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "newsroom.urls"
WSGI_APPLICATION = "newsroom.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "newsroom" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            # No request in here on purpose: {% load reader %} finds it by itself. The admin site
            # is the one that asks for it.
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"reader": "articles.reader_tags"},
        },
    }
]

DATABASES = {
    "default": (
        database_from_url(os.environ["DATABASE_URL"])
        if os.environ.get("DATABASE_URL")
        else sqlite(BASE_DIR / "newsroom.sqlite3")
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Kept in a signed cookie: who reads needs no table of sessions.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
LOGIN_URL = "sign-in"

STATIC_URL = "static/"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"

# Where all workers keep what they share. Without it, on this machine; the demo tries other stores.
HOLDFAST = {
    # Which rows a cached page was made of, and which are written: known in all processes.
    "CACHE": {
        "TRACKING": True,
        # Longer than any commit takes. So long, a store that was just started keeps nothing.
        "COMMIT_TIMEOUT": float(os.environ.get("COMMIT_TIMEOUT", "10")),
    },
}
if os.environ.get("STORE_URL"):
    HOLDFAST["STORES"] = {"default": os.environ["STORE_URL"]}

REST_FRAMEWORK = {
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 20,
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
}
