"""Where an ASGI server enters: `uvicorn newsroom.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

import holdfast.asgi

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "newsroom.settings")

application = holdfast.asgi.RequestScope(get_asgi_application())
