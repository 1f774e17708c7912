"""Each change of a run changes just that, and says so where it can't."""

import pytest

from holdfast.probe.change import Change
from holdfast.probe.events import Trouble
from tests.probe.aboard.serving import serving
from tests.probe.aboard.test_django import LAYERS


def test_a_middleware_is_left_out(tmp_path):
    change = Change(without_middleware=("django_site.SyncLayer",))
    with serving("gunicorn", "django_app:wsgi", tmp_path, change=change, variables=LAYERS) as one:
        one.ask("/")
        one.served(1)
        assert {span.name for span in one.spans("layer")} == {"django_site.async_layer"}


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


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn-asgi"])
def test_what_blocks_a_loop_runs_in_a_thread(server, tmp_path):
    change = Change(in_a_thread=("django_site.blocks",))
    with serving(server, "django_app:asgi", tmp_path, change=change) as one:
        names = {body for status, body in one.together(3, "/blocks/") if status == 200}
        assert "MainThread" not in names
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
    with serving("hypercorn", "plain:asgi", tmp_path, change=change) as one:
        assert one.ask("/stream")[1].startswith("chunk chunk chunk ")


def test_a_function_that_is_not_there_is_trouble(tmp_path):
    change = Change(in_a_thread=("django_site.nowhere",))
    with serving("gunicorn", "django_app:wsgi", tmp_path, change=change) as one:
        assert one.ask("/")[0] == 200
        (trouble,) = one.until(lambda: one.of(Trouble), bool)
        assert "django_site.nowhere" in trouble.what


def test_the_collector_stays_off(tmp_path):
    change = Change(without_collector=True)
    with serving("gunicorn", "django_app:wsgi", tmp_path, change=change) as one:
        assert one.ask("/collects/", "run-1-1") == (200, "False")
        one.served(1)
        assert [span for span in one.spans("gc") if span.request == "run-1-1"] == []
