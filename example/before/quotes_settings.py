"""The API with the usual log in the place of Holdfast's."""

import os

from quotes.settings import *  # noqa: F403

INSTALLED_APPS = []
MIDDLEWARE = ["before.api_logger.ApiLogger"]
ASGI_APPLICATION = "before.quotes_asgi.application"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "api": {
            "class": "logging.FileHandler",
            "filename": os.environ.get("API_LOG", os.devnull),
        },
    },
    "loggers": {"api": {"handlers": ["api"], "level": "INFO", "propagate": False}},
}
