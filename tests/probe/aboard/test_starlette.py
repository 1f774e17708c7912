"""Starlette's endpoints are views, and the wait for one of anyio's threads is noted."""

from holdfast.probe.aboard.threads import ANYIO
from holdfast.probe.change import Change
from tests.probe.aboard.serving import serving


def test_a_sync_endpoint_waits_for_anyios_threads(tmp_path):
    with serving("uvicorn", "starlette_site:app", tmp_path) as one:
        one.together(3, "/slow/1")
        served = one.served(3)
        assert {each.view for each in served} == {"starlette_site.slow"}
        assert {each.route for each in served} == {"/slow/{number}"}
        longest = max(one.spans("thread"), key=lambda span: span.ended - span.begun)
        assert longest.name == "starlette_site.slow"
        assert longest.detail["executor"] == ANYIO
        assert longest.ended - longest.begun >= 0.35
        assert longest.holder
        assert {span.name for span in one.spans("view")} == {"starlette_site.slow"}


def test_its_threads_can_be_made_more(tmp_path):
    change = Change(pool_size=((ANYIO, 10),))
    with serving("uvicorn", "starlette_site:app", tmp_path, change=change) as one:
        one.together(3, "/slow/1")
        served = one.served(3)
        # As it is, the last one would have waited for two others.
        assert max(each.left - each.entered for each in served) < 0.55
