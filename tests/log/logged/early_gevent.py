"""Gunicorn settings that import the request log before the gevent worker patches."""

import holdfast.log
import holdfast.wsgi.request_log  # noqa: F401
