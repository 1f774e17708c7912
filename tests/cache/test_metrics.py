"""What is counted is told to Prometheus and OpenTelemetry, by the libraries that projects have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import holdfast
from tests.cache.conftest import until_it_stores
from tests.fresh_process import output_of


@pytest.fixture
def used(configure: Callable[..., None], name: str) -> Callable[..., None]:
    def use(kind: str) -> None:
        configure(METRICS=[kind], PUBLISH=None)
        until_it_stores()

        @holdfast.cached(300, name=name)
        def f(x: int) -> int:
            return x

        f(1)
        f(1)
        f(2)

    return use


@pytest.mark.parametrize("engine", ["lmdb"], indirect=True)
def test_prometheus_asks_one_process(used: Callable[..., None], name: str) -> None:
    from prometheus_client import REGISTRY, generate_latest

    used("prometheus")

    def value(metric: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(f"holdfast_cache_{metric}", labels)

    assert value("hits_total", name=name, where="process") == 1
    assert value("hits_total", name=name, where="store") == 0
    assert value("misses_total", name=name) == 2
    assert value("loads_total", name=name) == 2
    assert (value("load_seconds_total", name=name) or 0) > 0
    assert (value("stored_bytes_total", name=name) or 0) > 10
    assert value("verified_total", name=name, outcome="differed") == 0
    assert value("process_results", store="cache") == 2
    assert value("store_errors_total", store="cache") is not None
    assert value("store_gone", store="cache") == 0
    assert b"# TYPE holdfast_cache_waits_total counter" in generate_latest()


def test_prometheus_with_several_processes(tmp_path: Path) -> None:
    code = """
        import os, sys, holdfast
        from prometheus_client import CollectorRegistry, generate_latest, multiprocess
        holdfast.configure({
            "STORES": {"cache": sys.argv[1]}, "CACHE": {"METRICS": ["prometheus"], "PUBLISH": 60},
        })
        from holdfast.cache import publishing
        @holdfast.cached(300, name="f")
        def f():
            return 1
        f()
        publishing.publish()
        for child in range(3):
            if not os.fork():
                for _ in range(2):
                    f(), f()
                    publishing.publish()
                os._exit(0)
        for _ in range(3): os.wait()
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        print(registry.get_sample_value("holdfast_cache_loads_total", {"name": "f"}))
        hits = [
            registry.get_sample_value("holdfast_cache_hits_total", {"name": "f", "where": where})
            for where in ("process", "store")
        ]
        print(sum(hits))
        print(registry.get_sample_value("holdfast_cache_store_gone", {"store": "cache"}))
    """
    directory = tmp_path / "metrics"
    directory.mkdir()
    url = f"lmdb://{tmp_path / 'store'}"
    found = output_of(code, url, environment={"PROMETHEUS_MULTIPROC_DIR": str(directory)})
    assert found.split() == ["1.0", "12.0", "0.0"]


@pytest.mark.parametrize("engine", ["lmdb"], indirect=True)
def test_opentelemetry(
    used: Callable[..., None], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    from holdfast.cache.metrics import opentelemetry

    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(opentelemetry, "get_meter", provider.get_meter)
    opentelemetry.begin.cache_clear()
    # It begins with the first call that isn't served from memory; by now, one has been.
    used("opentelemetry")
    data: Any = reader.get_metrics_data()
    found = {
        metric.name: metric.data.data_points
        for scope in data.resource_metrics[0].scope_metrics
        for metric in scope.metrics
    }
    provider.shutdown()
    opentelemetry.begin.cache_clear()
    points = [point for point in found["holdfast.cache.hits"] if _is_of(point, name)]
    assert sorted((point.attributes["holdfast.cache.where"], point.value) for point in points) == [
        ("process", 1),
        ("store", 0),
    ]
    [loads] = [point for point in found["holdfast.cache.loads"] if _is_of(point, name)]
    assert loads.value == 2
    [took] = [point for point in found["holdfast.cache.load.duration"] if _is_of(point, name)]
    assert took.value > 0
    [kept] = found["holdfast.cache.process_results"]
    assert kept.value == 2


def _is_of(point: Any, name: str) -> bool:
    return bool(point.attributes.get("holdfast.cache.name") == name)


@pytest.mark.parametrize("engine", ["lmdb"], indirect=True)
@pytest.mark.usefixtures("store")
def test_errors_of_the_store_and_takeovers_are_counted(name: str) -> None:
    from holdfast import named_stores
    from holdfast.cache.events import counts, store_counts
    from holdfast.stores.errors import StoreTimeout

    @holdfast.cached(300, name=name, wait=20)
    def f(x: int) -> int:
        return x

    f(0)
    store = named_stores.store("cache")
    owner = b"of a process that will fail"
    assert store.acquire(b"lease:" + f.key(1), owner, 60)
    from tests.cache.conftest import elsewhere, wait_for

    waits = elsewhere(lambda: f(1))
    wait_for(lambda: holdfast.cache.loader()._fetching.flights)
    assert counts(name).takeovers == 0
    store.release(b"lease:" + f.key(1), owner)
    assert waits.result() == 1
    assert counts(name).takeovers == 1

    before = store_counts("cache").errors
    tags: Any = store.tags

    def too_slow(*_: object) -> None:
        raise StoreTimeout("too slow")

    tags.put = too_slow
    try:
        assert f(2) == 2
    finally:
        del tags.put
    assert store_counts("cache").errors == before + 1
    assert counts(name).not_stored == 1


def test_a_library_that_is_missing_fails_no_call(tmp_path: Path) -> None:
    code = """
        import logging, sys, holdfast
        sys.modules["prometheus_client"] = None
        found = []
        logging.getLogger("holdfast").addHandler(handler := logging.Handler())
        handler.emit = lambda record: found.append(record.getMessage())
        holdfast.configure({
            "STORES": {"cache": sys.argv[1]}, "CACHE": {"METRICS": ["prometheus"], "PUBLISH": 60},
        })
        @holdfast.cached(300, name="f")
        def f():
            return 7
        print(f(), len(found), "holdfast[prometheus]" in found[0])
    """
    assert output_of(code, f"lmdb://{tmp_path / 'store'}") == "7 1 True"
