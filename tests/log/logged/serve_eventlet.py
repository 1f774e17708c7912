"""eventlet's own WSGI server; the port is the first argument."""

import eventlet

eventlet.monkey_patch()

import logging  # noqa: E402
import sys  # noqa: E402

import eventlet.wsgi  # noqa: E402

from logged.wsgi import application  # noqa: E402

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    eventlet.wsgi.server(
        eventlet.listen(("127.0.0.1", int(sys.argv[1])), backlog=128),
        application,
        log=logging.getLogger("gunicorn.access"),
    )
