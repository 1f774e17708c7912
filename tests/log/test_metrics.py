"""Requests are counted, by the libraries that the project has anyway."""

from typing import Any

import pytest

import holdfast
from holdfast.log import metrics
from holdfast.wsgi import RequestLog
from tests.fresh_process import output_of
from tests.log.driving import Events, ask, hello


def fails(environ: Any, start_response: Any) -> Any:
    raise RuntimeError


def test_prometheus():
    from prometheus_client import REGISTRY

    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    found: list[float] = []

    def looks(environ: Any, start_response: Any) -> Any:
        found.append(value("holdfast_requests_in_flight", method="GET", route=""))
        return hello(environ, start_response)

    # Also what sampling leaves out is counted.
    settings: dict[str, Any] = {"output": Events(), "metrics": ["prometheus"], "sample": 0}
    ask(RequestLog(looks, **settings))
    with pytest.raises(RuntimeError):
        ask(RequestLog(fails, **settings), REQUEST_METHOD="BREW")
    holdfast.log.flush(20)
    assert found == [1.0]
    usual = {"method": "GET", "route": "", "status": "200", "outcome": "complete"}
    assert value("holdfast_requests_total", **usual) == 1
    odd = {"method": "_OTHER", "route": "", "status": "500", "outcome": "error"}
    assert value("holdfast_requests_total", **odd) == 1
    assert value("holdfast_request_seconds_count", method="GET", route="") == 1
    assert value("holdfast_requests_in_flight", method="GET", route="") == 0


def test_prometheus_with_several_processes(tmp_path):
    code = """
        import os, holdfast, holdfast.wsgi
        from wsgiref.util import setup_testing_defaults
        from prometheus_client import CollectorRegistry, generate_latest, multiprocess
        def hello(environ, start_response):
            start_response("200 OK", [])
            return [b""]
        application = holdfast.wsgi.RequestLog(
            hello, output="file:/dev/null", metrics=["prometheus"])
        for child in range(3):
            if not os.fork():
                for _ in range(10):
                    environ = {"QUERY_STRING": ""}
                    setup_testing_defaults(environ)
                    body = application(environ, lambda *_: None)
                    list(body)
                    body.close()
                raise SystemExit
        for _ in range(3): os.wait()
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        for line in generate_latest(registry).decode().splitlines():
            if line.startswith(("holdfast_requests_total", "holdfast_request_seconds_count")):
                print(line.rpartition(" ")[2])
    """
    found = output_of(code, environment={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)})
    assert found.split() == ["30.0", "30.0"]


def test_opentelemetry(monkeypatch: pytest.MonkeyPatch):
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    from holdfast.log.metrics import opentelemetry

    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(opentelemetry, "get_meter", provider.get_meter)
    opentelemetry.meter.cache_clear()
    ask(RequestLog(hello, output=Events(), metrics=["opentelemetry"]))
    holdfast.log.flush(20)
    data: Any = reader.get_metrics_data()
    found = {
        metric.name: metric.data.data_points
        for scope in data.resource_metrics[0].scope_metrics
        for metric in scope.metrics
    }
    provider.shutdown()
    opentelemetry.meter.cache_clear()
    [point] = found["http.server.request.duration"]
    assert point.count == 1
    assert dict(point.attributes)["http.response.status_code"] == 200
    [point] = found["holdfast.requests"]
    assert dict(point.attributes)["holdfast.outcome"] == "complete"


def test_unknown_methods_are_one_series():
    from holdfast.log.entry import Entry

    entry = Entry()
    entry.method = "X" * 20
    assert metrics.method_of(entry) == "_OTHER"
