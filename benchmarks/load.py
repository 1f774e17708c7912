"""A client that asks a server on this machine, with as little as that takes."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Any

_TIMEOUT_SECONDS = 10.0


def ask(port: int, path: str, count: int, at_once: int, headers: str = "") -> None:
    """Send *count* requests, or a few more, to a server on this machine, and read the answers.

    All connections send, then all of them receive: the server always has something to do. They are
    kept alive where the server does that, and made anew where it doesn't; at the end they are
    closed, since a server would hang up on its own between two rounds.

    Args:
        port: where the server listens, on 127.0.0.1.
        path: what is asked for.
        count: how many requests.
        at_once: on how many connections.
        headers: more of them, each with the end of its line.
    """
    with contextlib.ExitStack() as open_ones:
        connections: list[socket.socket | None] = [None] * at_once
        for _ in range(-(-count // at_once)):
            asked = [connection or _connected(port, open_ones) for connection in connections]
            for connection in asked:
                connection.sendall(_request(path, headers))
            connections = [_kept(connection) for connection in asked]


def get_json(port: int, path: str) -> Any:
    """What the server answers to one request on a connection of its own."""
    with contextlib.ExitStack() as open_ones:
        connection = _connected(port, open_ones)
        connection.sendall(_request(path, "Connection: close\r\n"))
        body, _ = _answer(connection)
    return json.loads(body)


def _connected(port: int, open_ones: contextlib.ExitStack) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_SECONDS)
    open_ones.enter_context(connection)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _kept(connection: socket.socket) -> socket.socket | None:
    """Read the answer; the connection, if it stays open."""
    _, stays = _answer(connection)
    if stays:
        return connection
    connection.close()
    return None


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
