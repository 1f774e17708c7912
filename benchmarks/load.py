"""A client that asks a server on this machine, with as little as that takes."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Any

_TIMEOUT_SECONDS = 10.0


class Client:
    """A few connections to one server, which take turns.

    All of them send, then all of them receive: the server always has something to do. Connections
    are kept alive where the server does that, and made anew where it doesn't.

    Args:
        port: where the server listens, on 127.0.0.1.
        path: what is asked for.
        connections: how many requests are under way at once.
    """

    def __init__(self, port: int, path: str, connections: int) -> None:
        self._address = ("127.0.0.1", port)
        self._request = _request(path)
        self._connections: list[socket.socket | None] = [None] * connections

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections:
            if connection is not None:
                connection.close()

    def ask(self, count: int) -> None:
        """Send *count* requests, or a few more, and read the answers."""
        for _ in range(-(-count // len(self._connections))):
            for number, connection in enumerate(self._connections):
                open_one = connection or self._connect()
                self._connections[number] = open_one
                open_one.sendall(self._request)
            for number, connection in enumerate(self._connections):
                assert connection is not None
                _, stays = _answer(connection)
                if not stays:
                    connection.close()
                    self._connections[number] = None

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(self._address, timeout=_TIMEOUT_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


def get_json(port: int, path: str) -> Any:
    """What the server answers to one request on a connection of its own."""
    with contextlib.closing(
        socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_SECONDS)
    ) as connection:
        connection.sendall(_request(path, "Connection: close\r\n"))
        body, _ = _answer(connection)
    return json.loads(body)


def _request(path: str, more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n".encode()


def _answer(connection: socket.socket) -> tuple[bytes, bool]:
    """The body, and whether the connection stays open."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, body = received.split(b"\r\n\r\n", 1)
    status, *lines = head.split(b"\r\n")
    if b" 200 " not in status + b" ":
        raise RuntimeError(f"The server answered {status.decode()}: {body.decode()[:500]}")
    headers = dict(line.lower().split(b": ", 1) for line in lines)
    stays = headers.get(b"connection") != b"close" and status.startswith(b"HTTP/1.1")
    if headers.get(b"transfer-encoding") == b"chunked":
        while not body.endswith(b"0\r\n\r\n"):
            body += _more(connection)
        return _without_chunks(body), stays
    length = headers.get(b"content-length")
    if length is None:
        with contextlib.suppress(ConnectionError):
            while True:
                body += _more(connection)
        return body, False
    while len(body) < int(length):
        body += _more(connection)
    return body, stays


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise ConnectionError("The server closed the connection within its answer.")
    return received


def _without_chunks(body: bytes) -> bytes:
    whole = b""
    while body:
        size, body = body.split(b"\r\n", 1)
        whole, body = whole + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return whole
