"""What is seen of a Django project: layers and views, hops to threads, blocked loops and hubs."""

from collections.abc import Iterator

import pytest

from holdfast.probe.events import Load, Served, Span, Trouble
from tests.probe.aboard.programs import observed
from tests.probe.aboard.serving import SITES, Serving, serving

SITE = SITES / "django_site.py"
LAYERS = {"SITE_MIDDLEWARE": "django_site.SyncLayer django_site.async_layer"}


def line_of(text: str) -> str:
    """`path:line` of the only line of the site that contains *text*."""
    lines = SITE.read_text().splitlines()
    (number,) = [at for at, line in enumerate(lines, 1) if text in line]
    return f"{SITE}:{number}"


def spans_of(one: Serving, request: str, kind: str) -> list[Span]:
    """Of a request that has ended."""
    one.until(lambda: {served.request for served in one.of(Served)}, lambda found: request in found)
    return [span for span in one.spans(kind) if span.request == request]


@pytest.fixture(scope="module")
def asgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("asgi")
    with serving("uvicorn", "django_app:asgi", folder, variables=LAYERS) as one:
        one.ask("/")
        yield one
        assert one.of(Trouble) == []


@pytest.fixture(scope="module")
def wsgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("wsgi")
    with serving("gunicorn-gthread", "django_app:wsgi", folder) as one:
        one.ask("/")
        yield one
        assert one.of(Trouble) == []


@pytest.fixture(scope="module")
def gevent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("gevent")
    with serving("gunicorn-gevent", "django_app:wsgi", folder) as one:
        one.ask("/")
        yield one
        assert one.of(Trouble) == []


def test_the_view_and_its_route_are_named(asgi):
    asgi.ask("/async/", "run-1-1")
    asgi.ask("/class/7/", "run-1-2")
    (span,) = spans_of(asgi, "run-1-1", "view")
    assert span.name == "django_site.async_view"
    assert span.ended - span.begun >= 0.19
    spans_of(asgi, "run-1-2", "view")
    (served,) = [one for one in asgi.of(Served) if one.request == "run-1-2"]
    assert (served.view, served.route) == ("django_site.ClassView", "class/<int:number>/")


def test_layers_enclose_what_is_further_in(asgi):
    asgi.ask("/async/", "run-2-1")
    inner, outer = sorted(spans_of(asgi, "run-2-1", "layer"), key=lambda span: -span.begun)
    assert (outer.name, inner.name) == ("django_site.SyncLayer", "django_site.async_layer")
    (view,) = spans_of(asgi, "run-2-1", "view")
    assert outer.begun < inner.begun < view.begun
    assert view.ended <= inner.ended <= outer.ended
    assert inner.begun - outer.begun >= 0.09
    assert view.begun - inner.begun >= 0.09


def test_who_blocked_the_loop_is_named_with_its_request(asgi):
    asgi.ask("/blocks/", "run-3-1")
    spans_of(asgi, "run-3-1", "view")
    found = asgi.until(
        lambda: [span for span in asgi.spans("blocked") if span.request == "run-3-1"], bool
    )
    span = max(found, key=lambda one: one.ended - one.begun)
    assert span.name == "django_site.blocks"
    assert span.place == line_of("- blocks the loop")
    assert span.detail["what"] == "loop"
    assert span.ended - span.begun >= 0.1
    assert span.stack[0].startswith(line_of("- blocks the loop"))


def test_what_awaits_blocks_nobody(asgi):
    before = len(asgi.spans("blocked"))
    asgi.together(3, "/async/")
    long = [one for one in asgi.spans("blocked")[before:] if "async_view" in one.name]
    assert long == []


def test_a_loop_that_is_one_requests_own_keeps_nobody_waiting(wsgi):
    assert wsgi.ask("/loop/", "run-12-1") == (200, "worked")
    assert spans_of(wsgi, "run-12-1", "blocked") == []


def test_a_loop_that_outlives_the_request_that_began_it_is_told(wsgi):
    for number in (1, 2):
        assert wsgi.ask("/loop-for-all/", f"run-13-{number}") == (200, "worked")
    spans_of(wsgi, "run-13-2", "view")
    found = wsgi.until(
        lambda: [one for one in wsgi.spans("blocked") if "loop_for_all" in one.name], bool
    )
    assert all(one.place == line_of("- whoever comes meanwhile") for one in found)


def test_who_blocked_the_hub_is_named_with_its_request(gevent):
    gevent.ask("/unpatched/", "run-4-1")
    (span,) = gevent.until(
        lambda: [span for span in gevent.spans("blocked") if span.request == "run-4-1"], bool
    )
    assert span.name == "django_site.sleeps_unpatched"
    assert span.place == line_of("# blocks the hub")
    assert span.detail["what"] == "hub"
    assert span.ended - span.begun >= 0.1


def test_the_wait_for_an_executors_thread_is_noted_with_who_has_it(wsgi):
    wsgi.together(3, "/executor/")
    waits = [span for user in range(3) for span in spans_of(wsgi, f"run-{user}-0", "thread")]
    longest = max(waits, key=lambda span: span.ended - span.begun)
    assert longest.ended - longest.begun >= 0.15
    assert longest.name == "django_site._draw"
    assert longest.place == line_of("# asks for a thread")
    assert longest.detail["executor"] == "_executor"
    assert longest.detail["size"] == 1
    assert longest.detail["ran"] >= 0.09
    assert longest.holder in {f"run-{user}-0" for user in range(3)} - {longest.request}


def test_where_requests_stand_is_looked_at(wsgi):
    wsgi.ask("/sync/", "run-5-1")
    samples = spans_of(wsgi, "run-5-1", "sample")
    longest = max(samples, key=lambda span: span.ended - span.begun)
    assert longest.name == "django_site.sync_view"
    assert longest.ended - longest.begun >= 0.1
    assert "sync_view" in longest.stack[0]


def test_where_tasks_and_their_threads_stand_is_looked_at(asgi):
    asgi.ask("/async/", "run-6-1")
    names = {span.name for span in spans_of(asgi, "run-6-1", "sample")}
    # In the thread of the sync layer, and in the task of the view.
    assert "django_site.SyncLayer.__call__" in names
    assert "django_site.async_view" in names


def test_how_the_process_does_is_noted(wsgi):
    wsgi.ask("/sync/")
    loads = wsgi.until(lambda: wsgi.of(Load), bool)
    assert any(load.working == 1 for load in loads)
    assert all(load.cpu < 5 and load.ended > load.begun for load in loads)


def test_an_error_is_the_requests_own(wsgi):
    assert wsgi.ask("/fails/", "run-7-1")[0] == 500
    (served,) = wsgi.until(
        lambda: [one for one in wsgi.of(Served) if one.request == "run-7-1"], bool
    )
    assert served.view == "django_site.fails"


def test_a_view_of_an_api_is_named_with_its_action(tmp_path):
    _, printed = observed(
        tmp_path,
        """
        from django.conf import settings
        settings.configure()
        import django
        django.setup()
        from rest_framework.views import APIView
        from rest_framework.viewsets import ViewSet
        from holdfast.probe.aboard import layers

        class Orders(ViewSet):
            def list(self, request): ...
        class Order(APIView): ...
        print(layers._view(Orders.as_view({"get": "list"}), "GET"))
        print(layers._view(Order.as_view(), "GET"))
        """,
    )
    assert printed.splitlines() == ["__main__.Orders.list", "__main__.Order"]
