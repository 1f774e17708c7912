"""What stayed behind, under real servers: clients stay connected, as browsers do."""

import os
import socket

import pytest

from holdfast.probe import events, markers
from holdfast.probe.aboard import orders

from .serving import serving

#: The others are tried with `HOLDFAST_ALL_SERVERS=1`.
USUAL = {"gunicorn-gthread": "wsgi", "gunicorn-gevent": "wsgi", "uvicorn": "asgi"}
MORE = {
    "gunicorn": "wsgi",
    "gunicorn-asgi": "asgi",
    "gunicorn-gevent-pywsgi": "wsgi",
    "uvicorn-worker": "asgi",
    "uvicorn-asyncio": "asgi",
    "hypercorn": "asgi",
    "hypercorn-wsgi": "wsgi",
    "granian": "asgi",
    "granian-wsgi": "wsgi",
    "daphne": "asgi",
    "waitress": "wsgi",
    "eventlet": "wsgi",
    "wsgiref": "wsgi",
}
SERVERS = USUAL | (MORE if os.environ.get("HOLDFAST_ALL_SERVERS") else {})
RUN = "run"


class Client:
    """One that keeps its connection open, where the server does."""

    def __init__(self, port):
        self._port = port
        self._number = 0
        self._kept = []

    def ask(self, path, user):
        one = socket.create_connection(("127.0.0.1", self._port), timeout=30)
        self._kept.append(one)
        self._number += 1
        marker = markers.marker(RUN, "query", user, self._number)
        one.sendall(
            (
                f"GET {path}?q={marker} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"{events.HEADER}: {RUN}-{user}-{self._number}\r\n"
                f"X-Marker: {marker}\r\nCookie: marker={marker}\r\n\r\n"
            ).encode()
        )
        return one.recv(10_000)

    def close(self):
        for one in self._kept:
            one.close()


def kept(one, number):
    """What is told at an order."""
    before = len(one.of(events.Kept))
    orders.given(one.folder, number, "kept")
    one.until(lambda: one.of(events.Count), lambda found: len(found) >= number)
    return [(told.path, told.what, told.count) for told in one.of(events.Kept)[before:]]


@pytest.mark.parametrize("server", SERVERS)
def test_only_what_the_site_keeps_is_told(server, tmp_path):
    interface = SERVERS[server]
    with serving(
        server,
        f"kept_site:{interface}",
        tmp_path,
        observe=False,
        markers=markers.pattern(RUN),
    ) as one:
        client = Client(one.port)
        for path in ("/fine/", "/stream/", "/fail/", "/nowhere/", "/fine/"):
            assert client.ask(path, 1)
        one.served(5)
        assert kept(one, 1) == []
        client.ask("/keep/", 1)
        client.ask("/keep/", 2)
        one.served(7)
        # The text of the first one, whose request is gone.
        assert sorted(kept(one, 2)) == [
            ("kept_site.Keeper.request", f"{interface.upper()}Request", 1),
            ("kept_site.Keeper.texts[...]", "str", 2),
        ]
        assert not one.of(events.Trouble)
        client.close()
