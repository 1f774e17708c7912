"""Each change of a run changes just that, and says so where it can't."""

from collections.abc import Iterator

import pytest

from holdfast.probe.change import Change
from holdfast.probe.events import Served, Trouble
from tests.probe.aboard.serving import Serving, serving
from tests.probe.aboard.test_django import LAYERS


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("changed")
    change = Change(
        without_middleware=("django_site.SyncLayer",),
        without_collector=True,
        in_a_thread=("django_site.nowhere",),
    )
    with serving("gunicorn", "django_app:wsgi", folder, change=change, variables=LAYERS) as one:
        yield one


def test_a_middleware_is_left_out(changed):
    changed.ask("/")
    assert changed.until(lambda: {span.name for span in changed.spans("layer")}, bool) == {
        "django_site.async_layer"
    }


def test_the_collector_stays_off(changed):
    assert changed.ask("/collects/", "run-1-1") == (200, "False")
    changed.until(
        lambda: {served.request for served in changed.of(Served)}, lambda found: "run-1-1" in found
    )
    assert [span for span in changed.spans("gc") if span.request == "run-1-1"] == []


def test_a_function_that_is_not_there_is_trouble(changed):
    assert changed.ask("/")[0] == 200
    (trouble,) = changed.until(lambda: changed.of(Trouble), bool)
    assert "django_site.nowhere" in trouble.what


def test_what_is_thread_sensitive_runs_in_any_thread(tmp_path):
    change = Change(without_thread_sensitivity=("plain._slow",))
    with serving("uvicorn", "plain:sensitive", tmp_path, change=change) as one:
        one.together(4)
        served = one.served(4)
        assert max(each.left for each in served) - min(each.entered for each in served) < 1.0
        assert {span.detail["sensitive"] for span in one.spans("thread")} <= {False}


def test_as_it_is_it_waits_for_its_one_thread(tmp_path):
    with serving("uvicorn", "plain:sensitive", tmp_path) as one:
        one.together(4)
        served = one.served(4)
        assert max(each.left for each in served) - min(each.entered for each in served) >= 1.1
        longest = max(one.spans("thread"), key=lambda span: span.ended - span.begun)
        assert longest.name == "plain._slow"
        assert longest.detail["sensitive"] is True
        assert longest.place.endswith("plain.py:" + longest.place.rpartition(":")[2])
        assert longest.holder


def test_what_blocks_a_loop_runs_in_a_thread(tmp_path):
    change = Change(in_a_thread=("django_site.blocks",))
    with serving("uvicorn", "django_app:asgi", tmp_path, change=change) as one:
        assert "MainThread" not in {body for _, body in one.together(3, "/blocks/")}
        one.served(3)
        assert [span for span in one.spans("blocked") if span.name == "django_site.blocks"] == []
        assert one.of(Trouble) == []


def test_what_blocks_a_hub_runs_in_a_thread(tmp_path):
    change = Change(in_a_thread=("django_site.sleeps_unpatched",))
    with serving("gunicorn-gevent", "django_app:wsgi", tmp_path, change=change) as one:
        assert one.together(3, "/unpatched/") == [(200, "slept")] * 3
        one.served(3)
        assert [span for span in one.spans("blocked") if "unpatched" in span.name] == []


def test_an_application_runs_in_a_thread_and_answers_in_its_loop(tmp_path):
    change = Change(in_a_thread=("plain.asgi",))
    with serving("hypercorn", "plain:strict", tmp_path, change=change) as one:
        assert one.ask("/stream") == (200, "chunk chunk chunk hello")
