"""The plain WSGI wrapper: what is noted, and that nothing else changes."""

import gc
import hashlib
import io
import tracemalloc
from collections.abc import Iterator
from typing import Any
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest

import holdfast
from holdfast.log.entry import Entry
from holdfast.log.recorder import recorder_for
from holdfast.wsgi import RequestLog, RequestScope
from tests.log.driving import Events, ask, event_of, hello, reads_all

MEGABYTE = 1_048_576


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    gc.collect()
    assert holdfast.live_scopes() == 0
    assert holdfast.current(None) is None
    assert holdfast.log.stats()["open"] == 0


def test_the_specification_is_kept():
    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/"}
    events = Events()
    answer = ask(validator(RequestLog(validator(hello), output=events)), **environ)
    assert answer.body == b"hello"
    assert events.one()["bytes_out"] == 5


def test_a_body_of_one_item_keeps_its_length():
    application = RequestLog(hello, output=Events())
    environ: dict[str, Any] = {"PATH_INFO": "/", "REQUEST_METHOD": "GET"}
    body: Any = application(environ, lambda *_: lambda data: None)
    assert len(body) == 1
    assert list(body) == [b"hello"]
    body.close()


def test_a_body_whose_lengths_are_added_up_first_is_sent_and_counted_once():
    application = RequestLog(hello, output=(events := Events()))
    environ: dict[str, Any] = {"PATH_INFO": "/", "REQUEST_METHOD": "GET"}
    body: Any = application(environ, lambda *_: lambda data: None)
    assert sum(map(len, body)) == 5
    assert b"".join(body) == b"hello"
    body.close()
    event = events.one()
    assert (event["bytes_out"], event["outcome"]) == (5, "complete")


def test_the_wrapper_is_a_scope_and_uses_the_one_that_is_there():
    seen = []

    def application(environ: Any, start_response: Any) -> Any:
        seen.append((holdfast.current(), holdfast.live_scopes()))
        holdfast.state.user = 7
        return hello(environ, start_response)

    for wrap in (
        lambda events: RequestLog(application, output=events, state=["user"]),
        lambda events: RequestScope(RequestLog(application, output=events, state=["user"])),
        lambda events: RequestLog(RequestScope(application), output=events, state=["user"]),
    ):
        events = Events()
        ask(wrap(events))
        assert events.one()["state"] == {"user": 7}
        assert seen.pop()[1] == 1


def test_a_request_inside_of_a_request_has_an_event_of_its_own():
    inner = RequestLog(hello, output=(inside := Events()))

    def application(environ: Any, start_response: Any) -> Any:
        before = holdfast.log.request_id()
        ask(inner, **{**environ, "PATH_INFO": "/inner"})
        assert holdfast.log.request_id() == before
        return hello(environ, start_response)

    outside = event_of(application, PATH_INFO="/outer")
    assert outside["path"] == "/outer"
    assert inside.one()["path"] == "/inner"
    assert inside[0]["request_id"] != outside["request_id"]


@pytest.mark.parametrize("where", ["call", "iter", "next", "close"])
@pytest.mark.parametrize(("error", "outcome"), [(RuntimeError, "error"), (SystemExit, "cancelled")])
def test_what_is_raised_ends_the_request_once(where: str, error: type[BaseException], outcome: str):
    class Body:
        def __iter__(self) -> Any:
            if where == "iter":
                raise error
            return self

        def __next__(self) -> bytes:
            if where == "next":
                raise error
            raise StopIteration

        def close(self) -> None:
            if where == "close":
                raise error

    def application(environ: Any, start_response: Any) -> Any:
        if where == "call":
            raise error
        start_response("200 OK", [])
        return Body()

    events = Events()
    with pytest.raises(error):
        ask(RequestLog(application, output=events))
    event = events.one()
    assert event["outcome"] == outcome
    assert event["exception"] == error.__name__
    assert event["raised_at"].startswith(__file__)
    assert event["status"] == (500 if where == "call" and outcome == "error" else event["status"])


def test_green_time_outs_are_time_outs():
    class Timeout(BaseException): ...  # as gevent's and eventlet's

    def application(environ: Any, start_response: Any) -> Any:
        raise Timeout

    events = Events()
    with pytest.raises(Timeout):
        ask(RequestLog(application, output=events))
    assert events.one()["outcome"] == "time_out"


def test_a_body_that_is_dropped_ends_its_request():
    events = Events()
    application = RequestLog(lambda environ, start_response: (c for c in [b"x"]), output=events)
    body = application({"PATH_INFO": "/", "REQUEST_METHOD": "GET"}, lambda *_: lambda data: None)
    del body
    gc.collect()
    assert events.one()["outcome"] == "client_gone"


def test_a_head_request_is_complete_without_a_body():
    events = Events()
    body: Any = RequestLog(hello, output=events)(
        {"PATH_INFO": "/", "REQUEST_METHOD": "HEAD"}, lambda *_: lambda data: None
    )
    body.close()
    assert events.one()["outcome"] == "complete"


def test_a_file_is_handed_on_as_it_is():
    wrapped = []

    def application(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", "5")])
        wrapped.append(environ["wsgi.file_wrapper"](io.BytesIO(b"hello")))
        return wrapped[0]

    events = Events()
    environ: dict[str, Any] = {
        "PATH_INFO": "/",
        "REQUEST_METHOD": "GET",
        "wsgi.file_wrapper": FileWrapper,
    }
    body: Any = RequestLog(application, output=events)(environ, lambda *_: lambda data: None)
    assert body is wrapped[0]
    body.close()
    assert events.one()["bytes_out"] == 5
    assert events[0]["outcome"] == "complete"


def test_bytes_given_to_write_count():
    def application(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])(b"old style")
        return []

    assert event_of(application)["bytes_out"] == 9


# Ids.


def test_ids_are_taken_and_returned():
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    events = Events()
    answer = ask(
        RequestLog(hello, output=events), HTTP_X_REQUEST_ID="abc-1", HTTP_TRACEPARENT=trace
    )
    event = events.one()
    assert event["request_id"] == "abc-1"
    assert (event["trace_id"], event["span_id"]) == ("a" * 32, "b" * 16)
    assert answer.headers["X-Request-ID"] == "abc-1"
    assert answer.headers["traceparent"] == trace


@pytest.mark.parametrize("bad", ["", "a" * 129, "a b", "a\nb", 'a"b', "<x>", "é", "a;b"])
def test_ids_that_are_not_well_formed_are_not_taken(bad: str):
    event = event_of(HTTP_X_REQUEST_ID=bad)
    assert event["request_id"] != bad
    assert len(event["request_id"]) == 24


@pytest.mark.parametrize(
    "bad",
    [
        *("", "00", f"00-{'0' * 32}-{'b' * 16}-01", f"00-{'a' * 32}-{'0' * 16}-01"),
        *(f"ff-{'a' * 32}-{'b' * 16}-01", f"00-{'A' * 32}-{'b' * 16}-01"),
        *(f"00-{'a' * 32}-{'b' * 16}-01-x", f"00-{'a' * 31}-{'b' * 16}-01", "x" * 1000),
    ],
)
def test_traces_that_are_not_well_formed_are_not_taken(bad: str):
    assert "trace_id" not in event_of(HTTP_TRACEPARENT=bad)


def test_ids_may_be_taken_from_proxies_only_or_never():
    sent = {"HTTP_X_REQUEST_ID": "abc"}
    assert event_of(take_ids="never", **sent)["request_id"] != "abc"
    assert event_of(take_ids="proxies", proxies=["10.0.0.0/8"], **sent)["request_id"] != "abc"
    assert event_of(take_ids="proxies", proxies=["127.0.0.1"], **sent)["request_id"] == "abc"


def test_ids_of_the_applications_own_are_left_alone_and_need_not_be_returned():
    def application(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("x-request-id", "mine")])
        return [b""]

    answer = ask(RequestLog(application, output=Events()))
    assert answer.headers == {"x-request-id": "mine"}
    assert ask(RequestLog(hello, output=Events(), return_ids=False)).headers == {
        "Content-Type": "text/plain"
    }


# Bodies.


def test_the_first_bytes_of_a_body_are_kept_as_they_are_read():
    sent = {"CONTENT_TYPE": "text/plain"}
    assert "body" not in event_of(reads_all, b"hello world", **sent)
    event = event_of(reads_all, b"hello world", body=5, **sent)
    assert event["body"] == "hello…"
    assert event["bytes_in"] == 11
    # What the application doesn't read, nobody reads.
    event = event_of(hello, b"hello world", body=5, **sent)
    assert event["body"] == ""
    assert event["bytes_in"] == 0
    assert "body" not in event_of(reads_all, b"PNG", body=5, CONTENT_TYPE="image/png")


def test_responses_are_kept_where_that_is_asked_for():
    assert event_of(response_body=3)["response_body"] == "hel…"
    assert "response_body" not in event_of(body=3)


@pytest.mark.parametrize("how", ["read", "readline", "readlines", "iter", "read all"])
def test_an_upload_is_the_same_however_it_is_read(how: str):
    data = b"one\ntwo\n\nthree" * 10

    def application(environ: Any, start_response: Any) -> Any:
        stream = environ["wsgi.input"]
        taken = {
            "read": lambda: b"".join(iter(lambda: stream.read(7), b"")),
            "readline": lambda: b"".join(iter(lambda: stream.readline(5), b"")),
            "readlines": lambda: b"".join(stream.readlines()),
            "iter": lambda: b"".join(stream),
            "read all": stream.read,
        }[how]()
        assert taken == data
        return hello(environ, start_response)

    event = event_of(application, data, body=8, CONTENT_TYPE="text/plain")
    assert event["bytes_in"] == len(data)
    assert event["body"] == "one\ntwo\n…"


def test_200_megabytes_arrive_as_they_are_and_cost_no_memory():
    size = 200 * MEGABYTE
    block = hashlib.sha256(b"seed").digest() * 2048

    class Upload:
        left = size

        def read(self, count: int) -> bytes:
            taken = min(count, self.left, len(block))
            self.left -= taken
            return block[:taken]

    found = hashlib.blake2b()

    def application(environ: Any, start_response: Any) -> Any:
        while chunk := environ["wsgi.input"].read(65536):
            found.update(chunk)
        return hello(environ, start_response)

    logged = RequestLog(application, output=(events := Events()), body=2048)
    ask(RequestLog(hello, output=Events()))  # whatever is loaded at first use
    tracemalloc.start()
    try:
        environ = {"wsgi.input": Upload(), "CONTENT_LENGTH": str(size)}
        ask(logged, CONTENT_TYPE="text/plain", **environ)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    expected = hashlib.blake2b()
    for _ in range(size // len(block)):
        expected.update(block)
    assert found.digest() == expected.digest()
    assert peak < MEGABYTE
    assert events.one()["bytes_in"] == size


# What is written.


def test_an_in_event_comes_first_where_it_is_asked_for():
    events = Events()
    ask(RequestLog(hello, output=events, **{"in": True}))
    holdfast.log.flush()
    assert [event["event"] for event in events] == ["in", "out"]
    assert events[0]["request_id"] == events[1]["request_id"]
    assert "status" not in events[0]


def test_health_checks_are_left_out_while_they_succeed():
    def application(environ: Any, start_response: Any) -> Any:
        start_response("503 Busy" if environ["QUERY_STRING"] else "200 OK", [])
        return [b""]

    logged = RequestLog(application, output=(events := Events()))
    ask(logged, PATH_INFO="/healthz")
    ask(logged, PATH_INFO="/healthz", QUERY_STRING="busy")
    ask(logged, PATH_INFO="/x")
    holdfast.log.flush()
    assert [(event["path"], event["status"]) for event in events] == [
        ("/healthz", 503),
        ("/x", 200),
    ]


def test_a_share_is_written_and_errors_and_slow_ones_always():
    def application(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/raises":
            raise RuntimeError
        start_response(environ["QUERY_STRING"], [])
        return [b""]

    rules = [{"route": "/api/*", "status": "2xx", "rate": 0}, {"rate": 0.5}]
    logged = RequestLog(application, output=(events := Events()), sample=rules)
    for _ in range(200):
        ask(logged, PATH_INFO="/api/7", QUERY_STRING="200 OK")
        ask(logged, PATH_INFO="/other", QUERY_STRING="200 OK")
        ask(logged, PATH_INFO="/api/7", QUERY_STRING="502 Bad")
    with pytest.raises(RuntimeError):
        ask(logged, PATH_INFO="/raises")
    holdfast.log.flush()
    counted = {
        key: sum((event["path"], event["status"]) == key for event in events)
        for key in [("/api/7", 200), ("/other", 200), ("/api/7", 502), ("/raises", 500)]
    }
    assert counted[("/api/7", 200)] == 0
    assert 50 < counted[("/other", 200)] < 150
    assert counted[("/api/7", 502)] == 200
    assert counted[("/raises", 500)] == 1
    always = RequestLog(application, output=(slow := Events()), sample=0, slow=0)
    ask(always, QUERY_STRING="200 OK")
    assert slow.one()["status"] == 200


def test_of_a_share_start_and_end_are_both_written_or_neither():
    rules = [{"route": "/api/*", "rate": 0.9}, {"rate": 0.5}]
    settings = {"output": (events := Events()), "sample": rules, "slow": 60, "in": True}
    logged = RequestLog(hello, **settings)
    for _ in range(200):
        ask(logged, PATH_INFO="/api/7")
        ask(logged, PATH_INFO="/other")
    holdfast.log.flush()
    begun, ended = (
        {event["request_id"] for event in events if event["event"] == kind}
        for kind in ("in", "out")
    )
    assert begun == ended
    assert 150 < len(begun) < 390


def test_a_limit_says_what_it_left_out():
    now = [1000.0]
    logged = RequestLog(hello, output=(events := Events()), limit=3)
    limit = recorder_for(logged._settings)._limit
    assert limit is not None
    limit.passes = lambda key, at, real=limit.passes: real(key, now[0])  # type: ignore[method-assign]
    for _ in range(10):
        ask(logged)
    holdfast.log.flush()
    now[0] += 1
    ask(logged)
    holdfast.log.flush()
    assert [event.get("left_out") for event in events] == [None, None, None, 7]


def test_a_limit_counts_in_the_second_in_which_requests_end():
    recorder = recorder_for({"output": (events := Events()), "limit": 5})

    def entry(began: float, ended_at: float) -> Entry:
        made = Entry()
        vars(made).update(
            {"request_id": "a", "method": "GET", "path": "/", "query": "", "peer": ""},
            time=began,
            began=began,
            ended_at=ended_at,
        )
        return made

    # Those that end together began in different seconds, and some come a little late.
    recorder._handle([entry(100.9 + n % 2, 105.1) for n in range(100)])
    assert len(events) == 5
    recorder._handle([entry(100.9, 106.01 - n % 2 * 0.02) for n in range(100)])
    assert len(events) == 10
    starts = [entry(107.0 + n % 2, 0.0).at_start() for n in range(100)]
    recorder._handle(sorted(starts, key=lambda start: start.began))
    assert len(events) == 20


# Who.


def test_identity_is_noted_and_its_failure_is_nobody_elses(caplog: pytest.LogCaptureFixture):
    async def later(environ: Any) -> Any:
        return {"customer": environ["PATH_INFO"]}

    def fails(environ: Any) -> Any:
        raise LookupError("who?")

    assert event_of(identify=lambda environ: {"n": 1})["who"] == {"n": 1}
    assert event_of(identify=later, PATH_INFO="/x")["who"] == {"customer": "/x"}
    assert "who" not in event_of(identify=lambda environ: None)
    event = event_of(identify=fails)
    assert event["outcome"] == "complete"
    assert "who" not in event
    assert "identify() raised" in caplog.text
    assert "who" not in event_of(identify=lambda environ: 7)
