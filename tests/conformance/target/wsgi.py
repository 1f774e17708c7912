"""The target under a WSGI server."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "target.settings")

from django.core.wsgi import get_wsgi_application

from target import subject
from target.access_log import watch_access_log

application = get_wsgi_application()
watch_access_log()
if subject.WRAPPED:
    import holdfast.wsgi

    application = holdfast.wsgi.RequestScope(application)
