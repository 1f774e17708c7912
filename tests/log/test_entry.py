"""What is noted of the project's own values: they may do anything, and the request goes on."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import holdfast
from holdfast.asgi import RequestLog as AsgiRequestLog
from holdfast.log.entry import plain
from holdfast.wsgi import RequestLog
from tests.log.driving import Events, ask, hello
from tests.log.test_asgi import ask as ask_asgi
from tests.log.test_asgi import hello as hello_asgi
from tests.log.test_asgi import scope_of


class Cart:
    """Can't be read where it is written down."""

    def __init__(self, error: BaseException | None = None) -> None:
        self._error = error or RuntimeError("not in an event loop")

    def __str__(self) -> str:
        raise self._error


class Restless(dict[str, int]):
    def items(self) -> Any:
        raise RuntimeError("dictionary changed size during iteration")


Asking = Callable[..., list[str]]


def by_wsgi(on_request: Callable[[], object], **settings: Any) -> list[str]:
    closed: list[str] = []

    def application(environ: Any, start_response: Any) -> Any:
        on_request()
        holdfast.current().on_close(lambda: closed.append("closed"))
        return hello(environ, start_response)

    try:
        ask(RequestLog(application, **settings))
    except BaseException as error:
        closed.append(type(error).__name__)
    return closed


def by_asgi(on_request: Callable[[], object], **settings: Any) -> list[str]:
    closed: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        on_request()
        holdfast.current().on_close(lambda: closed.append("closed"))
        await hello_asgi(scope, receive, send)

    async def main() -> None:
        try:
            await ask_asgi(AsgiRequestLog(application, **settings), scope_of())
        except BaseException as error:
            closed.append(type(error).__name__)

    asyncio.run(main())
    return closed


@pytest.fixture(params=[by_wsgi, by_asgi])
def request_that(request: pytest.FixtureRequest) -> Asking:
    asking: Asking = request.param
    return asking


def test_what_can_not_be_read_is_its_type():
    assert plain(Cart()) == "<Cart>"
    assert plain({"a": 1, "carts": [Cart(), 2]}) == {"a": 1, "carts": ["<Cart>", 2]}
    assert plain({Cart(): 1}) == "<dict>"
    assert plain(Restless(a=1)) == "<Restless>"


def test_a_value_that_can_not_be_read_breaks_no_request(request_that: Asking):
    def puts() -> None:
        holdfast.state.cart, holdfast.state.user = Cart(), 7

    events = Events()
    assert request_that(puts, output=events, state=["cart", "user"]) == ["closed"]
    event = events.one()
    assert event["state"] == {"cart": "<Cart>", "user": 7}
    assert event["outcome"] == "complete"


class GreenTimeout(BaseException):
    """As those of gevent and eventlet, which are no Exceptions."""


@pytest.mark.parametrize("error", [asyncio.CancelledError, GreenTimeout, KeyboardInterrupt])
def test_whatever_comes_out_of_the_log_the_scope_is_closed(
    request_that: Asking, error: type[BaseException]
):
    def puts() -> None:
        holdfast.state.cart = Cart(error())

    events = Events()
    assert request_that(puts, output=events, state=["cart"]) == ["closed", error.__name__]
    assert holdfast.live_scopes() == 0
    assert holdfast.log.stats()["open"] == 0
    assert events.one()["status"] == 200


def test_an_identity_that_is_called_off_by_itself_is_nobody_elses(request_that: Asking):
    async def identify(request: Any) -> Any:
        raise asyncio.CancelledError

    events = Events()
    assert request_that(lambda: None, output=events, identify=identify) == ["closed"]
    assert events.one()["outcome"] == "complete"
    assert "who" not in events[0]


def test_a_request_that_is_called_off_while_it_is_identified_is_called_off():
    events = Events()

    async def main() -> None:
        identifying = asyncio.Event()

        async def identify(request: Any) -> Any:
            identifying.set()
            await asyncio.Event().wait()

        logged = AsgiRequestLog(hello_asgi, output=events, identify=identify, identify_timeout=20)
        task = asyncio.create_task(ask_asgi(logged, scope_of()))
        await identifying.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert events.one()["status"] == 200
    assert holdfast.live_scopes() == 0


def test_a_job_is_sent_whatever_the_state_holds():
    holdfast.configure({"LOG": {"STATE": ["cart"]}})
    try:
        with holdfast.log.incoming({"request_id": "req-1"}):
            holdfast.state.cart = Cart()
            sent = holdfast.log.outgoing()
    finally:
        holdfast.configure({})
    assert sent == {"request_id": "req-1", "state": {"cart": "<Cart>"}}
