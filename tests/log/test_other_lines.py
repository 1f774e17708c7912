"""Every other log line of the project says which request it belongs to."""

import asyncio
import io
import logging
import logging.config
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

import holdfast
import holdfast.log.structlog
from holdfast.wsgi import RequestLog
from tests.log.driving import Events, ask, hello

log = logging.getLogger("shop.orders")


@pytest.fixture
def lines() -> Iterator[Any]:
    handler = logging.StreamHandler(stream := io.StringIO())
    handler.addFilter(holdfast.log.RequestFields(["user_id", "token"]))
    handler.setFormatter(logging.Formatter("%(request_id)s %(user_id)s %(token)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield lambda: stream.getvalue().splitlines()
    log.removeHandler(handler)


def logged(work: Any) -> None:
    def application(environ: Any, start_response: Any) -> Any:
        holdfast.state.user_id = 7
        work()
        return hello(environ, start_response)

    ask(RequestLog(application, output=Events()), HTTP_X_REQUEST_ID="req-1")


def test_lines_within_and_outside_of_requests(lines: Any):
    log.info("before")
    logged(lambda: log.info("inside"))
    log.info("after")
    assert lines() == ["- - - before", "req-1 7 - inside", "- - - after"]


def test_carried_threads_and_tasks_and_what_outlives_the_request(lines: Any):
    goes_on = threading.Event()
    threads = []

    def late() -> None:
        goes_on.wait(20)
        log.info("late")

    def work() -> None:
        thread = threading.Thread(target=holdfast.carry(lambda: log.info("thread")))
        thread.start()
        thread.join()
        threads.append(threading.Thread(target=holdfast.carry(late)))
        threads[0].start()

        async def task() -> None:
            await asyncio.create_task(said())

        async def said() -> None:
            log.info("task")

        asyncio.run(task())

    logged(work)
    goes_on.set()
    threads[0].join()
    assert lines() == ["req-1 7 - thread", "req-1 7 - task", "req-1 7 - late"]


def test_carried_greenlets(lines: Any):
    import gevent

    logged(lambda: gevent.spawn(holdfast.carry(lambda: log.info("greenlet"))).join())
    assert lines() == ["req-1 7 - greenlet"]


def test_values_can_not_forge_a_line_and_secrets_are_hidden(lines: Any):
    def work() -> None:
        holdfast.state.user_id = "x\nreq-2 8 - forged"
        holdfast.state.token = "hunter2"
        log.info("said")

    logged(work)
    assert lines() == ["req-1 x\\nreq-2 8 - forged *** said"]


def test_dict_config_and_the_settings_names():
    holdfast.configure({"LOG": {"STATE": ["user_id"]}})
    try:
        logging.config.dictConfig(
            {
                "version": 1,
                "disable_existing_loggers": False,
                "filters": {"request": {"()": "holdfast.log.RequestFields"}},
                "handlers": {
                    "null": {"class": "logging.NullHandler", "filters": ["request"]},
                },
            }
        )
        record = logging.makeLogRecord({"msg": "x"})
        assert holdfast.log.RequestFields().filter(record)
        assert record.user_id == "-"  # type: ignore[attr-defined]
    finally:
        holdfast.configure({})


@pytest.mark.parametrize("name", ["name", "message", "args", "no name"])
def test_names_that_a_record_has_itself_are_refused(name: str):
    with pytest.raises(ValueError, match="take another name"):
        holdfast.log.RequestFields([name])


def test_a_rate_limit_for_each_message_says_what_it_held_back(monkeypatch: pytest.MonkeyPatch):
    now = [1000.0]
    monkeypatch.setattr("holdfast.log.filters.time.monotonic", lambda: now[0])
    limit = holdfast.log.RateLimit(most=2)

    def passes(message: str, *args: object, level: int = logging.INFO) -> str | None:
        record = logging.LogRecord("shop", level, "", 0, message, args, None)
        return record.getMessage() if limit.filter(record) else None

    assert [passes("slow: %s", n) for n in range(4)] == ["slow: 0", "slow: 1", None, None]
    assert passes("other") == "other"
    assert passes("slow: %s", 5, level=logging.CRITICAL) == "slow: 5"
    now[0] += 1
    assert passes("slow: %s", 6) == "slow: 6 (2 left out)"


def test_structlog_gets_the_same_fields():
    add = holdfast.log.structlog.request_fields(["user_id"])
    found: list[Any] = []
    logged(lambda: found.append(add(None, "info", {"event": "x"})))
    assert found == [{"event": "x", "request_id": "req-1", "user_id": 7}]
    assert add(None, "info", {"event": "x"}) == {"event": "x"}


def test_events_go_to_structlog_and_logging(caplog: pytest.LogCaptureFixture):
    with structlog.testing.capture_logs() as captured:
        ask(RequestLog(hello, output="structlog"))
        holdfast.log.flush(20)
    assert captured[0]["event"] == "request out"
    assert captured[0]["status"] == 200
    caplog.set_level(logging.INFO, "holdfast.requests")
    ask(RequestLog(hello, output="logging"))
    holdfast.log.flush(20)
    [record] = [record for record in caplog.records if record.name == "holdfast.requests"]
    assert record.levelno == logging.INFO
    assert record.getMessage().startswith("time=")
    assert record.holdfast["status"] == 200  # type: ignore[attr-defined]


def test_opentelemetrys_span_is_on_event_and_lines_and_is_current_while_it_is_logged():
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    tracer = TracerProvider().get_tracer("tests")
    seen: list[Any] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append((record, trace.get_current_span().get_span_context()))

    requests = logging.getLogger("holdfast.requests")
    requests.addHandler(handler := Handler())
    requests.setLevel(logging.INFO)
    record = logging.makeLogRecord({"msg": "x"})
    try:
        with tracer.start_as_current_span("GET /") as span:
            context = span.get_span_context()
            holdfast.log.RequestFields().filter(record)
            ask(RequestLog(hello, output="logging", slow=31))
        holdfast.log.flush(20)
    finally:
        requests.removeHandler(handler)
    ids = trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)
    assert (record.trace_id, record.span_id) == ids  # type: ignore[attr-defined]
    [(written, current)] = seen
    assert (written.holdfast["trace_id"], written.holdfast["span_id"]) == ids
    assert (current.trace_id, current.span_id) == (context.trace_id, context.span_id)
