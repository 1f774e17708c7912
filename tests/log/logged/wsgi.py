"""The project under a WSGI server."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "logged.settings"

from django.core.wsgi import get_wsgi_application

import holdfast.wsgi

application = get_wsgi_application()
if os.environ.get("LOGGED_BY") != "middleware":
    application = holdfast.wsgi.RequestLog(application)
