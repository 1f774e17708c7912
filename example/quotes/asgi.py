"""Where an ASGI server enters: `gunicorn -k uvicorn_worker.UvicornWorker quotes.asgi:application`.

Nothing here is sync, so no request has a thread.
"""

import os

import holdfast.asgi
from holdfast.django.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "quotes.settings")

# The log's wrapper gives requests their scope, too.
application = holdfast.asgi.RequestLog(get_asgi_application())
