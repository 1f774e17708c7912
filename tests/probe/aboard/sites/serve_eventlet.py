"""`python -m serve_eventlet PORT module:name`: as users of eventlet do it."""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402
from pkgutil import resolve_name  # noqa: E402

from eventlet import wsgi  # noqa: E402

wsgi.server(eventlet.listen(("127.0.0.1", int(sys.argv[1]))), resolve_name(sys.argv[2]))
