"""The target under an ASGI server."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "target.settings")

from django.core.asgi import get_asgi_application

from target import subject
from target.access_log import watch_access_log

application = get_asgi_application()
watch_access_log()
if subject.WRAPPED:
    import holdfast.asgi

    application = holdfast.asgi.RequestScope(application)
