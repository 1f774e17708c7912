"""`holdfast.log.client_address`: the log's own rules, for any code that asks."""

from types import SimpleNamespace

import pytest

import holdfast

CLIENT = "203.0.113.7"
SPOOFED = "6.6.6.6, 203.0.113.7"


@pytest.fixture
def proxies():
    yield lambda **log: holdfast.configure({"LOG": log})
    holdfast.configure({})


def djangos(**headers):
    return SimpleNamespace(META={"REMOTE_ADDR": "127.0.0.1", **headers})


def asgi(peer, *headers):
    named = [(b"host", b"x"), *((b"X-Forwarded-For", value) for value in headers)]
    return {"type": "http", "asgi": {}, "client": peer and (peer, 4711), "headers": named}


def test_without_proxies_no_header_counts(proxies):
    proxies()
    request = djangos(HTTP_X_FORWARDED_FOR="6.6.6.6")
    assert holdfast.log.client_address(request) == "127.0.0.1"
    assert holdfast.log.client_address(asgi("10.0.0.1", b"6.6.6.6")) == "10.0.0.1"


def test_with_a_proxy_its_entry_counts_in_all_kinds_of_requests(proxies):
    proxies(PROXIES=1)
    request = djangos(HTTP_X_FORWARDED_FOR=SPOOFED)
    environ = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": SPOOFED}
    for one in (request, environ, asgi("10.0.0.1", b"6.6.6.6", CLIENT.encode())):
        assert holdfast.log.client_address(one) == CLIENT


def test_settings_that_are_applied_anew_count_at_once(proxies):
    environ = {"REMOTE_ADDR": "10.0.0.1", "HTTP_FORWARDED": f"for={CLIENT}"}
    proxies(PROXIES=1)
    assert holdfast.log.client_address(environ) == "10.0.0.1"
    proxies(PROXIES=["10.0.0.0/8"], FORWARDED="forwarded")
    assert holdfast.log.client_address(environ) == CLIENT


def test_where_no_address_is_known_it_is_empty(proxies):
    proxies()
    assert holdfast.log.client_address({}) == ""
    assert holdfast.log.client_address(asgi(None)) == ""


def test_a_socket_without_an_address_is_known_by_its_header(proxies):
    proxies(PROXIES=["unix"])
    scope = {**asgi(None, CLIENT.encode()), "client": (None, 0)}
    assert holdfast.log.client_address(scope) == CLIENT
    proxies()
    assert holdfast.log.client_address(scope) == ""


@pytest.mark.parametrize("headers", [(), (b"odd",)])
def test_an_address_is_written_in_one_way(proxies, headers):
    for count in (0, 1):
        proxies(PROXIES=count)
        for peer, written in (("::ffff:1.2.3.4", "1.2.3.4"), ("2001:DB8::0:1", "2001:db8::1")):
            assert holdfast.log.client_address(asgi(peer, *headers)) == written
        assert holdfast.log.client_address(asgi("/run/app.sock", *headers)) == "/run/app.sock"


def test_what_is_no_request_is_refused_with_what_it_takes():
    with pytest.raises(TypeError, match="takes Django's request, a WSGI environ or an ASGI scope"):
        holdfast.log.client_address(7)
