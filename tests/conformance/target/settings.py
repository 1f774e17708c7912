"""Settings of the target: as little as the places need, with the middleware in its usual order."""

import os

from target import subject

SECRET_KEY = "conformance"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "target.urls"
WSGI_APPLICATION = "target.wsgi.application"
INSTALLED_APPS = ["target.tags"]
MIDDLEWARE = ["target.middleware.outside"]
if subject.HOLDFAST:
    INSTALLED_APPS.append("holdfast.django")
    MIDDLEWARE.append("holdfast.django.middleware.RequestScope")
if os.environ.get("CONFORMANCE_CHAIN") == "sync":
    MIDDLEWARE.append("target.middleware.only_sync")
MIDDLEWARE.append("target.middleware.inside")
if os.environ.get("CONFORMANCE_CARRY"):
    HOLDFAST = {"CARRY": os.environ["CONFORMANCE_CARRY"].split()}
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("CONFORMANCE_DATABASE", ":memory:"),
    }
}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
    }
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000_000
USE_TZ = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"django.request": {"level": "CRITICAL"}},
}
