"""The example without Holdfast, with the usual middleware in its place."""

import os

from newsroom.settings import *  # noqa: F403
from newsroom.settings import BASE_DIR, INSTALLED_APPS, MIDDLEWARE, TEMPLATES

INSTALLED_APPS = [*INSTALLED_APPS[1:], "before"]
MIDDLEWARE = [
    "before.request_stack.RequestStackMiddleware",
    *MIDDLEWARE[1:],
    "before.label_middleware.ClearLabelCache",
]
# For all workers, as with a Redis.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": os.environ.get("PAGES_DIR", BASE_DIR / "pages"),
    }
}
TEMPLATES[0]["OPTIONS"]["libraries"] = {"reader": "before.reader_tags"}

ROOT_URLCONF = "before.urls"
WSGI_APPLICATION = "before.wsgi.application"
