"""The plain ASGI wrapper: what becomes of answers, and whether the client had them."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from holdfast.asgi import RequestLog
from tests.log.driving import Events
from tests.log.test_asgi import ask, scope_of

START = {"type": "http.response.start", "status": 200, "headers": []}
GONE = {"type": "http.disconnect"}


async def listens_meanwhile(scope: Any, receive: Any, send: Any) -> None:
    """Answers, and is called off once the client is gone, as Django's and Starlette's streams."""

    async def listen() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        answering.cancel()

    async def answer() -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"hel", "more_body": True})
        await send({"type": "http.response.body", "body": b"lo"})

    answering = asyncio.create_task(answer())
    listening = asyncio.create_task(listen())
    await asyncio.wait([answering])
    listening.cancel()
    await asyncio.wait([listening])


class Connection:
    """A server's side; *taking* is what it does with a piece of the body."""

    def __init__(self, taking: Callable[["Connection", bytes], Any]) -> None:
        self._taking = taking
        self._news = asyncio.Event()
        self._heard = asyncio.Event()

    async def receive(self) -> Any:
        await self._news.wait()
        self._heard.set()
        return GONE

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            await self._taking(self, message["body"])

    async def close(self) -> None:
        """Tell the application, and go on once it has heard."""
        self._news.set()
        await self._heard.wait()


def ended(taking: Any, application: Any = listens_meanwhile, method: str = "GET") -> dict[str, Any]:
    events = Events()

    async def serve() -> None:
        connection = Connection(taking)
        scope = {**scope_of(), "method": method}
        logged = RequestLog(application, output=events)
        await logged(scope, connection.receive, connection.send)

    asyncio.run(serve())
    return events.one()


def test_a_server_that_closes_while_it_takes_the_last_piece_has_delivered_it():
    async def taking(connection: Connection, data: bytes) -> None:
        if data == b"lo":
            try:
                await connection.close()
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                pass  # as Hypercorn, which only waits for the end of the connection here

    event = ended(taking)
    assert (event["outcome"], event["bytes_out"]) == ("complete", 5)


@pytest.mark.parametrize("piece", [b"hel", b"lo"])
def test_a_client_that_leaves_before_a_piece_was_taken_is_gone(piece: bytes):
    async def taking(connection: Connection, data: bytes) -> None:
        if data == piece:
            await connection.close()
            await asyncio.Event().wait()  # for a client that reads no more

    event = ended(taking)
    assert (event["outcome"], event["bytes_out"]) == ("client_gone", {b"hel": 0, b"lo": 3}[piece])


def test_a_client_that_leaves_between_two_pieces_is_gone():
    async def patient(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"hel", "more_body": True})
        assert await receive() == GONE
        await send({"type": "http.response.body", "body": b"lo"})

    async def taking(connection: Connection, data: bytes) -> None:
        connection._news.set()

    event = ended(taking, patient)
    assert (event["outcome"], event["bytes_out"]) == ("client_gone", 3)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_who_asked_for_no_body_has_all_with_the_headers(method: str, status: int):
    async def goes_on(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "status": status})
        assert await receive() == GONE

    events = Events()
    scope = {**scope_of(), "method": method}
    asyncio.run(ask(RequestLog(goes_on, output=events), scope, GONE))
    assert events.one()["outcome"] == "complete"


# Headers


def test_a_header_that_is_named_twice_is_noted_once():
    async def answers(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body"})

    events = Events()
    logged = RequestLog(answers, output=events, headers=["user-agent", "User-Agent", "x-shop"])
    asyncio.run(ask(logged, scope_of(user_agent="curl", x_shop="7")))
    assert events.one()["headers"] == {"user-agent": "curl", "x-shop": "7"}


@pytest.mark.parametrize("own_id", [False, True])
def test_headers_that_can_be_read_once_arrive_whole(own_id: bool):  # noqa: FBT001
    headers = [(b"content-type", b"text/plain"), (b"set-cookie", b"a=1")]
    headers += [(b"x-request-id", b"mine")] if own_id else []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "headers": iter(headers)})
        await send({"type": "http.response.body", "body": b"hello"})

    events = Events()
    logged = RequestLog(application, output=events, response_body=100)
    started, _ = asyncio.run(ask(logged, scope_of(x_request_id="theirs")))
    event = events.one()
    assert started["headers"] == (headers if own_id else [*headers, (b"x-request-id", b"theirs")])
    assert event["response_body"] == "hello"


# Websockets


def test_a_websocket_that_is_refused_with_an_answer_is_complete():
    async def refuses(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        kind = "websocket.http.response"
        await send({"type": f"{kind}.start", "status": 401, "headers": []})
        await send({"type": f"{kind}.body", "body": b"who ", "more_body": True})
        await send({"type": f"{kind}.body", "body": b"are you?"})

    events = Events()
    scope = scope_of(kind="websocket", x_request_id="abc")
    sent = asyncio.run(
        ask(RequestLog(refuses, output=events), scope, {"type": "websocket.connect"})
    )
    event = events.one()
    assert (event["outcome"], event["status"], event["bytes_out"]) == ("complete", 401, 12)
    assert [message["type"].rpartition(".")[2] for message in sent] == ["start", "body", "body"]
    assert sent[0]["headers"] == [(b"x-request-id", b"abc")]


def test_frames_of_text_are_counted_in_bytes():
    async def echo(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": (await receive())["text"]})
        await send({"type": "websocket.send", "bytes": b"12"})
        await send({"type": "websocket.close"})

    events = Events()
    received = {"type": "websocket.connect"}, {"type": "websocket.receive", "text": "é" * 10}
    asyncio.run(ask(RequestLog(echo, output=events), scope_of(kind="websocket"), *received))
    event = events.one()
    assert (event["bytes_in"], event["bytes_out"]) == (20, 22)
