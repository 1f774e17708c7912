"""Each server's requests are followed, from entering the application to their end."""

import os

import pytest

from holdfast.probe.events import Process, Trouble
from tests.probe.aboard.serving import serving

#: Others come in by the same ways, and are tried with HOLDFAST_ALL_SERVERS.
ALL = bool(os.environ.get("HOLDFAST_ALL_SERVERS"))
WSGI = [
    *("gunicorn-gthread", "gunicorn-gevent", "uvicorn-wsgi", "granian-wsgi", "waitress"),
    *("eventlet", "wsgiref"),
    *(("gunicorn", "gunicorn-gevent-pywsgi", "gunicorn-tornado", "hypercorn-wsgi") if ALL else ()),
]
ASGI = [
    *("gunicorn-asgi", "uvicorn-worker", "uvicorn", "hypercorn", "granian", "daphne"),
    *(("uvicorn-asyncio",) if ALL else ()),
]


@pytest.mark.parametrize("server", [*WSGI, *ASGI])
def test_a_request_is_followed_on(server, tmp_path):
    app = "plain:wsgi" if server in WSGI else "plain:asgi"
    with serving(server, app, tmp_path) as one:
        assert one.ask("/sleep", "run-1-1") == (200, "hello")
        assert one.ask("/stream", "run-1-2")[1].startswith("chunk chunk chunk ")
        one.ask("/", "")
        served = one.served(3)
        names = [request.request for request in served]
        assert names[:2] == ["run-1-1", "run-1-2"]
        assert names[2].startswith("~")
        assert served[0].left - served[0].entered >= 0.09
        assert served[1].left - served[1].entered >= 0.13
        assert len({request.pid for request in one.of(Process)} & {r.pid for r in served}) >= 1
        assert one.of(Trouble) == []
