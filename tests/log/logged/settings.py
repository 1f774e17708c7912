"""A project whose requests are logged, each to one line of JSON in a file."""

import os

SECRET_KEY = "of no worth"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "logged.urls"
WSGI_APPLICATION = "logged.wsgi.application"
INSTALLED_APPS = ["holdfast.django"]
MIDDLEWARE = [
    "holdfast.django.middleware.RequestLog",
    "logged.middleware.fails_where_told",
]
DATABASES = {}
USE_TZ = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000_000
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"django.request": {"level": "CRITICAL"}},
}
HOLDFAST = {
    "LOG": {
        "OUTPUT": f"file:{os.environ['LOGGED_TO']}",
        "FORMAT": "json",
        "BODY": 100,
        "BODY_TYPES": ["text/*"],
        "STATE": ["note"],
    }
}
