"""The project under an ASGI server."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "logged.settings"

from django.core.asgi import get_asgi_application

import holdfast.asgi

application = get_asgi_application()
if os.environ.get("LOGGED_BY") != "middleware":
    application = holdfast.asgi.RequestLog(application)
