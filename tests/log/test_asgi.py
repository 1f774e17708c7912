"""The plain ASGI wrapper."""

import asyncio
import threading
import time
import types
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import holdfast
from holdfast.asgi import RequestLog, RequestScope
from holdfast.log.formats import as_in_out, as_json, as_line
from tests.log.driving import Events
from tests.log.fuzzing import examples


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    assert holdfast.live_scopes() == 0
    assert holdfast.log.stats()["open"] == 0


def scope_of(path: str = "/", kind: str = "http", **headers: str) -> dict[str, Any]:
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "method": "POST",
        "path": path,
        "query_string": b"a=1",
        "headers": [
            (k.replace("_", "-").encode(), v.encode("latin-1")) for k, v in headers.items()
        ],
        "client": ("127.0.0.1", 4711),
    }


async def hello(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hel", "more_body": True})
    await send({"type": "http.response.body", "body": b"lo"})


async def ask(application: Any, scope: Any, *received: Any, fails: Any = None) -> list[Any]:
    messages, sent = list(received) or [{"type": "http.request", "body": b""}], []

    async def receive() -> Any:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        if fails is not None:
            raise fails
        sent.append(message)

    await application(scope, receive, send)
    return sent


def event_of(application: Any, *received: Any, fails: Any = None, **headers: str) -> dict[str, Any]:
    events = Events()
    logged = RequestLog(application, output=events, body=100, proxies=1)
    try:
        asyncio.run(ask(logged, scope_of(**headers), *received, fails=fails))
    except (OSError, RuntimeError):
        pass
    return events.one()


def test_a_request_is_noted():
    event = event_of(
        hello,
        {"type": "http.request", "body": b"abc", "more_body": True},
        {"type": "http.request", "body": b"def"},
        user_agent="curl",
        content_type="text/plain",
        x_forwarded_for="6.6.6.6, 203.0.113.7",
        x_request_id="abc",
    )
    assert event["request_id"] == "abc"
    assert event["client"] == "203.0.113.7"
    assert event["headers"] == {"user-agent": "curl"}
    assert (event["bytes_in"], event["bytes_out"], event["body"]) == (6, 5, "abcdef")
    assert (event["status"], event["outcome"]) == (200, "complete")


bytestrings = st.binary(max_size=60)


@examples(100)
@given(
    path=st.text(max_size=40),
    query=bytestrings,
    method=st.text(max_size=10),
    headers=st.dictionaries(
        st.sampled_from(
            [
                *(b"user-agent", b"x-forwarded-for", b"x-request-id", b"traceparent"),
                *(b"content-type", b"content-encoding", b"authorization", b"cookie"),
            ]
        )
        | bytestrings,
        bytestrings,
    ),
    body=st.lists(bytestrings, max_size=3),
    secret=st.sampled_from(["hunter2-Correct-Horse"]),
)
def test_no_request_raises_leaks_or_forges_a_line(  # noqa: PLR0913
    *,
    path: str,
    query: bytes,
    method: str,
    headers: dict[bytes, bytes],
    body: list[bytes],
    secret: str,
):
    scope = scope_of(path)
    scope["method"] = method
    scope["query_string"] = query + b"&password=" + secret.encode()
    scope["headers"] = [*headers.items(), (b"authorization", f"Bearer {secret}".encode())]
    parts = [{"type": "http.request", "body": part, "more_body": True} for part in body]
    events = Events()
    logged = RequestLog(
        hello,
        output=events,
        body=100,
        proxies=["127.0.0.0/8"],
        headers=["user-agent", "authorization", "cookie"],
    )
    asyncio.run(ask(logged, scope, *parts, {"type": "http.request"}))
    event = events.one()
    assert event["outcome"] == "complete"
    for form in (as_line, as_json, as_in_out):
        line = form(event)
        assert secret not in line
        assert len(line.splitlines()) == 1


def test_several_forwarding_headers_are_one_list():
    scope = scope_of()
    scope["headers"] += [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"203.0.113.7")]
    events = Events()
    asyncio.run(ask(RequestLog(hello, output=events, proxies=1), scope))
    assert events.one()["client"] == "203.0.113.7"


def test_a_client_that_leaves_is_noticed_in_each_way_that_servers_tell_it():
    async def listens(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    gone = {"type": "http.disconnect"}
    assert event_of(listens, {"type": "http.request"}, gone)["outcome"] == "client_gone"
    assert event_of(hello, fails=OSError("gone"))["outcome"] == "client_gone"

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        raise asyncio.CancelledError

    events = Events()
    logged = RequestLog(waits, output=events)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(ask(logged, scope_of(), {"type": "http.request"}, gone))
    assert events.one()["outcome"] == "client_gone"
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(ask(logged, scope_of(), {"type": "http.request"}))
    holdfast.log.flush()
    assert events[1]["outcome"] == "cancelled"


def test_errors_are_noted_and_raised():
    async def fails(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError

    async def says_nothing(scope: Any, receive: Any, send: Any) -> None: ...

    event = event_of(fails)
    assert (event["outcome"], event["status"], event["exception"]) == ("error", 500, "RuntimeError")
    assert event_of(says_nothing)["outcome"] == "error"


def test_websockets_have_an_event_too():
    async def echo(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        message = await receive()
        await send({"type": "websocket.send", "text": message["text"] * 2})
        await receive()

    events = Events()
    messages = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "abc"},
        {"type": "websocket.disconnect", "code": 1000},
    ]
    asyncio.run(ask(RequestLog(echo, output=events), scope_of(kind="websocket"), *messages))
    event = events.one()
    assert (event["status"], event["bytes_in"], event["bytes_out"]) == (101, 3, 6)
    assert event["outcome"] == "complete"


def test_lifespan_passes_by():
    async def application(scope: Any, receive: Any, send: Any) -> None:
        assert holdfast.current(None) is None

    events = Events()
    asyncio.run(ask(RequestLog(application, output=events), {"type": "lifespan"}))
    holdfast.log.flush()
    assert not events


@pytest.mark.parametrize("outside", [True, False])
def test_one_scope_with_a_scope_wrapper_on_either_side(outside: bool):  # noqa: FBT001
    async def application(scope: Any, receive: Any, send: Any) -> None:
        assert holdfast.live_scopes() == 1
        holdfast.state.user = 7
        await hello(scope, receive, send)

    events = Events()
    if outside:
        wrapped: Any = RequestScope(RequestLog(application, output=events, state=["user"]))
    else:
        wrapped = RequestLog(RequestScope(application), output=events, state=["user"])
    asyncio.run(ask(wrapped, scope_of()))
    assert events.one()["state"] == {"user": 7}


def test_identity_is_awaited_and_given_up_in_time(caplog: pytest.LogCaptureFixture):
    async def identify(scope: Any) -> Any:
        await asyncio.sleep(0 if scope["path"] == "/" else 60)
        return {"user": 7}

    events = Events()
    logged = RequestLog(hello, output=events, identify=identify, identify_timeout=0.05)
    asyncio.run(ask(logged, scope_of()))
    asyncio.run(ask(logged, scope_of("/slow")))
    holdfast.log.flush()
    assert [event.get("who") for event in events] == [{"user": 7}, None]
    assert "identify() raised" in caplog.text


def test_concurrent_requests_keep_apart_and_start_no_thread_each():
    async def application(scope: Any, receive: Any, send: Any) -> None:
        mine = holdfast.log.request_id()
        await asyncio.sleep(float(scope["path"][1:]))
        assert holdfast.log.request_id() == mine
        await hello(scope, receive, send)

    events = Events()
    logged = RequestLog(application, output=events, slow=60)
    before = threading.active_count()

    async def many() -> None:
        await asyncio.gather(*(ask(logged, scope_of(f"/{n / 100}")) for n in range(50)))
        assert threading.active_count() - before <= 1

    asyncio.run(many())
    holdfast.log.flush()
    assert len({event["request_id"] for event in events}) == 50
    for event in events:
        assert event["seconds"] >= float(event["path"][1:]) - 0.01


# When it ended


def seconds_of(send: Any, receive: Any = None) -> dict[str, Any]:
    events = Events()
    logged = RequestLog(hello, output=events)

    async def whole() -> Any:
        return {"type": "http.request", "body": b""}

    with suppress(asyncio.CancelledError):
        asyncio.run(logged(scope_of(), receive or whole, send))
    return events.one()


def test_a_server_that_is_kept_waiting_after_it_has_written_makes_no_request_longer():
    async def send(message: Any) -> None:
        if message.get("body") == b"lo":
            # Written, and seen by the client; then the processor went to others.
            time.sleep(0.2)  # noqa: ASYNC251 - just that

    assert seconds_of(send)["seconds"] < 0.2


def test_a_server_that_waits_for_a_slow_client_makes_it_longer():
    async def send(message: Any) -> None:
        if message.get("body") == b"lo":
            await asyncio.sleep(0.2)

    assert seconds_of(send)["seconds"] >= 0.19


def test_a_server_may_wait_as_it_likes():
    steps: list[Any] = []

    async def send(message: Any) -> None:
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, message["type"])
        steps.append(await future)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        steps.append(await asyncio.gather(asyncio.sleep(0, "done")))

    event = seconds_of(send)
    assert steps == [
        each for kind in ("start", "body", "body") for each in (f"http.response.{kind}", ["done"])
    ]
    assert event["outcome"] == "complete"


def test_a_server_may_send_by_a_generator():
    @types.coroutine
    def send(message: Any) -> Any:
        yield from asyncio.sleep(0).__await__()

    assert seconds_of(send)["outcome"] == "complete"


def test_a_request_that_is_called_off_while_the_server_waits_was_cancelled():
    caught = []

    async def send(message: Any) -> None:
        if message.get("body") == b"lo":
            asyncio.get_running_loop().call_soon(asyncio.current_task().cancel)
            try:
                await asyncio.Event().wait()
            finally:
                caught.append(message["type"])

    assert seconds_of(send)["outcome"] == "cancelled"
    assert caught == ["http.response.body"]
