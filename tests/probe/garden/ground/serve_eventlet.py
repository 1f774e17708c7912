"""Serves the shop by eventlet: `python serve_eventlet.py PORT`."""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402

import eventlet.wsgi  # noqa: E402
from shop.wsgi import application  # noqa: E402

eventlet.wsgi.server(eventlet.listen(("127.0.0.1", int(sys.argv[1]))), application)
