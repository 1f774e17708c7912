"""Jobs carry the id of the request that started them."""

import importlib.util
import logging
from collections.abc import Iterator
from typing import Any

import pytest

import holdfast
from holdfast.log import incoming, outgoing
from holdfast.wsgi import RequestLog
from tests.log.driving import Events, ask, hello

TRACE = f"00-{'a' * 32}-{'b' * 16}-01"
seen: list[Any] = []


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    seen.clear()
    holdfast.configure({"LOG": {"STATE": ["user_id"]}})
    yield
    holdfast.configure({})
    assert holdfast.live_scopes() == 0


def look() -> None:
    record = logging.makeLogRecord({})
    holdfast.log.RequestFields().filter(record)
    seen.append((record.request_id, record.user_id))  # type: ignore[attr-defined]


def in_a_request(work: Any) -> None:
    def application(environ: Any, start_response: Any) -> Any:
        holdfast.state.user_id = 7
        work()
        return hello(environ, start_response)

    logged = RequestLog(application, output=Events())
    ask(logged, HTTP_X_REQUEST_ID="req-1", HTTP_TRACEPARENT=TRACE)


def test_what_goes_out_comes_in():
    sent: list[Any] = []
    in_a_request(lambda: sent.append(outgoing()))
    assert sent == [{"request_id": "req-1", "traceparent": TRACE, "state": {"user_id": 7}}]
    with incoming(sent[0], "job mail") as scope:
        look()
        assert scope.name == "job mail"
        assert outgoing() == sent[0]  # a job of a job
    assert seen == [("req-1", 7)]
    assert outgoing() == {}


@pytest.mark.parametrize(
    "odd",
    [
        *(None, {}, 7, [], "x", {"request_id": 7}, {"request_id": "a\nb"}, {"state": [1]}),
        *({"state": {"get": 1, "__class__": 2, "a b": 3, "request": 4}}, {"traceparent": "x"}),
    ],
)
def test_whatever_comes_in_opens_a_scope(odd: Any):
    with incoming(odd):
        assert len(holdfast.log.request_id() or "") == 24
        assert holdfast.request == None  # noqa: E711
        assert list(holdfast.state) == []


def test_celery():
    from celery import Celery

    import holdfast.log.jobs.celery as adapter

    adapter.connect()
    adapter.connect()
    app = Celery("tests", broker="memory://", backend="cache+memory://")
    task = app.task(name="look")(look)
    in_a_request(task.delay)
    _work_off_celery(app)
    assert seen == [("req-1", 7)]
    app.conf.task_always_eager = True
    in_a_request(task.delay)
    assert seen[1:] == [("req-1", 7)]


def _work_off_celery(app: Any) -> None:
    from celery.app.trace import build_tracer

    with app.connection() as connection, connection.SimpleQueue("celery") as queue:
        message = queue.get(timeout=20)
        name, headers = message.headers["task"], message.headers
        args, kwargs, _ = message.payload
        task = app.tasks[name]
        request = {**headers, "is_eager": False, "args": args, "kwargs": kwargs}
        build_tracer(name, task, app=app)(headers["id"], args, kwargs, request)
        message.ack()


def test_dramatiq():
    import dramatiq
    from dramatiq.brokers.stub import StubBroker

    from holdfast.log.jobs.dramatiq import CarriesRequest

    broker = StubBroker()
    broker.add_middleware(CarriesRequest())
    actor = dramatiq.actor(look, broker=broker)
    broker.declare_queue("default")
    in_a_request(actor.send)
    worker = dramatiq.Worker(broker, worker_threads=2, worker_timeout=50)
    worker.start()
    try:
        broker.join("default", timeout=20_000)
        worker.join()
    finally:
        worker.stop()
        broker.close()
    assert seen == [("req-1", 7)]


@pytest.mark.needs("redis")
def test_rq():
    import redis
    from rq import Queue, SimpleWorker

    from holdfast.log.jobs.rq import Job
    from tests.services.redis import running_redis

    with running_redis() as server, redis.Redis.from_url(server.url) as connection:
        queue = Queue(connection=connection, job_class=Job)
        in_a_request(lambda: queue.enqueue(look))
        SimpleWorker([queue], connection=connection, job_class=Job).work(burst=True)
    assert seen == [("req-1", 7)]


@pytest.mark.skipif(
    importlib.util.find_spec("django.tasks") is None, reason="Django 6.0 brought tasks"
)
def test_django_tasks():
    from tests.fresh_process import output_of

    code = """
        import django, logging, holdfast, sys, types
        from django.conf import settings
        module = types.ModuleType("shop_tasks")
        sys.modules["shop_tasks"] = module
        settings.configure(
            USE_TZ=True, INSTALLED_APPS=["holdfast.django"], LOGGING_CONFIG=None,
            HOLDFAST={"LOG": {"STATE": ["user_id"]}},
            TASKS={"default": {"BACKEND": "shop_tasks.Backend"}},
        )
        from django.tasks.backends.immediate import ImmediateBackend
        import holdfast.django.tasks
        class Backend(holdfast.django.tasks.CarriesRequest, ImmediateBackend): ...
        module.Backend = Backend
        django.setup()
        from django.tasks import task
        from contextvars import Context
        def look(n):
            print(n, holdfast.log.request_id(), holdfast.state.user_id)
        look.__module__ = "shop_tasks"
        module.look = made = task(look)
        backend = made.get_backend()
        with holdfast.log.incoming({"request_id": "req-1"}):
            holdfast.state.user_id = 7
            sent = holdfast.django.tasks._with_request({"n": 5})
        Context().run(backend.enqueue, made, (), sent)
        with holdfast.log.incoming({"request_id": "req-2"}):
            holdfast.state.user_id = 8
            made.enqueue(6)
    """
    assert output_of(code).splitlines() == ["5 req-1 7", "6 req-2 8"]
