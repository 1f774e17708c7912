"""The API with Holdfast's request log."""

import os

SECRET_KEY = "of no worth, as long as this is an example"  # noqa: S105
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "quotes.urls"
ASGI_APPLICATION = "quotes.asgi.application"
INSTALLED_APPS = ["holdfast.django"]
TIME_ZONE = "UTC"
USE_TZ = True

MIDDLEWARE = [
    "holdfast.django.middleware.RequestScope",
    "holdfast.django.middleware.RequestLog",
]

HOLDFAST = {
    "LOG": {
        # The lines that the usual class writes, so that whoever reads them needn't learn anew.
        "FORMAT": "in_out",
        "IN": True,
        "OUTPUT": f"file:{os.environ['API_LOG']}" if "API_LOG" in os.environ else "stderr",
        # A client says who it is by a token: see there why it is not believed there.
        "IDENTIFY": "quotes.customer.identify",
        "BODY": 2048,
        # All of them are wanted here, whatever the writer's thread falls behind.
        "QUEUE": 100_000,
    }
}
