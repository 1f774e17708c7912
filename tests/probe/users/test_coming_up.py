"""Where the server listens is seen from outside, whatever it prints or is given."""

import asyncio
import sys
from textwrap import dedent

import pytest

from holdfast.probe.serving import Serving
from holdfast.probe.users.address import Address, asked_for
from holdfast.probe.users.coming_up import NotUpError, address_of
from holdfast.probe.users.plan import Plan, PlanError, Step

SERVER = dedent("""
    import socketserver, ssl, sys, threading, time
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            time.sleep(self.server.pause)
            self.send_response(200)
            for name, value in self.server.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

    class Mute(socketserver.BaseRequestHandler):
        def handle(self):
            time.sleep(30)

    class OnFile(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        def get_request(self):
            return self.socket.accept()[0], ("here", 0)

    def listen(place):
        kind, _, where = place.partition("=")
        if kind == "mute":
            server = socketserver.ThreadingTCPServer(("127.0.0.1", int(where)), Mute)
        elif kind == "file":
            server = OnFile(where, Handler)
        else:
            server = ThreadingHTTPServer(("0.0.0.0", int(where)), Handler)
        server.daemon_threads = True
        server.headers = {
            "packed": [("Content-Encoding", "br")],
            "doubled": [("Content-Length", "0")],
        }.get(kind, [])
        server.pause = 1.5 if kind == "slow" else 0
        threading.Thread(target=server.serve_forever, daemon=True).start()

    for place in sys.argv[1].split(","):
        listen(place)
    # Python 3.12 starts no threads once the main one has ended.
    threading.Event().wait()
""")


@pytest.fixture
def found(tmp_path):
    """Where a server is asked that listens at *places*, with *words* at the end of its command."""

    def asked(places, *words, **planned):
        command = [sys.executable, "-c", SERVER, places, *words]
        server = Serving(command, {}, tmp_path)
        try:
            plan = Plan([Step("/")], **{"up_within": 20.0, **planned})
            return asyncio.run(address_of(server, words, plan))
        finally:
            server.end()

    return asked


def test_a_port_is_found(found, server):
    assert found(f"http={server.port}") == Address("127.0.0.1", server.port)


@pytest.mark.parametrize("kind", ["packed", "doubled"])
def test_an_answer_that_nobody_can_read_is_an_answer(kind, found, server):
    assert found(f"{kind}={server.port}") == Address("127.0.0.1", server.port)


def test_a_socket_in_the_file_system_is_found(found, tmp_path):
    place = str(tmp_path / "site.sock")
    assert found(f"file={place}") == Address(unix=place)


def test_what_does_not_speak_http_is_not_taken_for_the_site(found, server, other_port):
    assert found(f"mute={other_port},http={server.port}").port == server.port


def test_the_port_of_the_command_is_it_though_figures_are_given_sooner(found, server, other_port):
    """A page of figures for Prometheus beside the site."""
    places = f"slow={server.port},http={other_port}"
    assert found(places, "--bind", f"127.0.0.1:{server.port}").port == server.port


def test_what_is_told_is_taken(found, server, other_port):
    address = found(
        f"http={server.port},http={other_port}", url=f"http://shop.example:{other_port}"
    )
    assert address == Address("127.0.0.1", other_port, "", "http", f"shop.example:{other_port}")
    assert address.url == f"http://shop.example:{other_port}"
    address = found(f"http={server.port}", url="http://shop.example")
    assert address == Address("127.0.0.1", server.port, "", "http", "shop.example")
    assert (address.url, address.host_header) == (
        f"http://shop.example:{server.port}",
        "shop.example",
    )


def test_another_server_on_that_port_is_not_asked(found, site):
    """The one that a developer has forgotten in another terminal."""
    port = site.address.port
    with pytest.raises(NotUpError, match="ended with status 1 before it answered"):
        found(f"http={port}", url=f"http://127.0.0.1:{port}")
    assert site.seen == []


@pytest.mark.parametrize("url", ["shop.example", "ftp://a", "http://", "http://a:b", "http://a/b/"])
def test_what_is_no_address_is_said(url):
    with pytest.raises(PlanError, match=f"^--url {url}"):
        asked_for(url)
