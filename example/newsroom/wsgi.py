"""Where a WSGI server enters: `gunicorn newsroom.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

import holdfast.wsgi

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "newsroom.settings")

application = holdfast.wsgi.RequestScope(get_wsgi_application())
