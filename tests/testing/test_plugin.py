"""The pytest plugin, in the test runs of a small project."""

from textwrap import dedent

import pytest

pytest_plugins = ["pytester"]

SETTINGS = """
    SECRET_KEY = "x"
    ROOT_URLCONF = "site_urls"
    ALLOWED_HOSTS = ["*"]
    MIDDLEWARE = [{middleware}]
    DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
"""
CONFTEST = """
    import os
    import django
    import pytest
    os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
    django.setup()
    from django.test import AsyncClient, Client
    @pytest.fixture
    def client():
        return Client()
    @pytest.fixture
    def async_client():
        return AsyncClient()
"""
VIEWS = """
    import asyncio
    import threading
    from django.http import HttpResponse
    class Timer:
        def __init__(self, get_response):
            self.get_response = get_response
        def __call__(self, request):
            self.begun = id(request)
            response = self.get_response(request)
            response["X-Begun"] = str(self.begun)
            return response
    class GoodTimer(Timer):
        def __call__(self, request):
            request.begun = id(request)
            response = self.get_response(request)
            response["X-Begun"] = str(request.begun)
            return response
    last = {}
    lock = threading.Lock()
    def fine(request):
        return HttpResponse("fine")
    def locked(request):
        with lock:
            last["n"] = last.get("n", 0) + 1
            return HttpResponse("fine")
    def leaks(request):
        found = last.get("request")
        last["request"] = request
        return HttpResponse(str(found))
    def echo(request):
        agents = [last.get("agent", ""), request.headers.get("User-Agent", "")]
        last["agent"] = agents[1]
        return HttpResponse(" ".join(agents))
    class Shared:
        user = None
    async def awaits(request):
        Shared.user = id(request)
        await asyncio.sleep(0)
        return HttpResponse(str(Shared.user))
    async def awaits_well(request):
        user = id(request)
        await asyncio.sleep(0)
        return HttpResponse(str(user))
    held = []
    def holds(request):
        held.append(request)
        return HttpResponse("held")
    def reads(request):
        return HttpResponse(str(len([one for one in held])))
"""
URLS = """
    from django.urls import path
    import site_views as views
    urlpatterns = [path(f"{name}/", getattr(views, name)) for name in
        ("fine", "locked", "leaks", "echo", "awaits", "awaits_well", "holds", "reads")]
"""


class Project:
    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self._pytester = pytester
        monkeypatch.setenv("PYTHONPATH", str(pytester.path))
        self.write("conftest.py", CONFTEST)
        self.write("site_views.py", VIEWS)
        self.write("site_urls.py", URLS)
        self.middleware()

    def write(self, name: str, text: str) -> None:
        (self._pytester.path / name).write_text(dedent(text))

    def middleware(self, *names: str) -> None:
        self.write("site_settings.py", SETTINGS.format(middleware=", ".join(map(repr, names))))

    def run(self, test: str, *options: str) -> pytest.RunResult:
        self.write("test_site.py", test)
        return self._pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(pytester, monkeypatch)


def test_requests_are_interleaved_so_that_a_race_shows_in_every_run(project):
    project.middleware("site_views.Timer")
    result = project.run(
        "def test_it(isolated_requests, client): isolated_requests(client, '/fine/')",
        "--holdfast-watch",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*lost write*Timer.begun*", "*self.begun = id(request)*"])


def test_a_middleware_that_keeps_to_its_request_passes(project):
    project.middleware("site_views.GoodTimer")
    result = project.run(
        """
        def test_it(isolated_requests, client):
            assert isolated_requests(client, "/fine/", "/locked/") >= 4
        """,
        "--holdfast-watch",
    )
    result.assert_outcomes(passed=1)


def test_what_is_imported_later_is_watched_by_the_fixture_alone(project):
    project.middleware("site_views.Timer")
    result = project.run(
        "def test_it(isolated_requests, client): isolated_requests(client, '/fine/')"
    )
    result.assert_outcomes(failed=1)


def test_what_was_imported_before_the_fixture_is_named(project):
    project.middleware("site_views.Timer")
    result = project.run(
        """
        def test_first(client): client.get("/fine/")
        def test_second(isolated_requests, client): isolated_requests(client, "/fine/")
        """
    )
    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.re_match_lines([".*can.t see what was imported before it: site_views"])


def test_code_is_rewritten_from_the_beginning_where_the_configuration_says_so(project):
    project.middleware("site_views.Timer")
    project.write("pytest.ini", "[pytest]\nholdfast_rewrite = true\n")
    result = project.run(
        """
        def test_first(client): client.get("/leaks/"); client.get("/leaks/")
        def test_second(isolated_requests, client): isolated_requests(client, "/fine/")
        """
    )
    # What crosses in the others is their own concern.
    result.assert_outcomes(passed=1, failed=1)
    assert "requests watched" not in result.stdout.str()
    result.stdout.fnmatch_lines(["*lost write*Timer.begun*"])


def test_an_answer_that_shows_anothers_marker_fails(project):
    result = project.run(
        """
        def test_it(isolated_requests, client):
            isolated_requests(client, lambda client, headers: client.get("/echo/", headers=headers))
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*hf-canary-*"])


def test_async_requests_are_held_at_their_awaits(project):
    result = project.run(
        """
        import asyncio
        import pytest
        from holdfast.testing.requests import Crossed
        def test_bad(isolated_requests, async_client):
            with pytest.raises(Crossed, match="Shared.user"):
                asyncio.run(isolated_requests.asynchronously(async_client, "/awaits/"))
        def test_good(isolated_requests, async_client):
            pairs = asyncio.run(isolated_requests.asynchronously(async_client, "/awaits_well/"))
            assert pairs > 1
        """,
        "--holdfast-watch",
        "--deselect=test_site.py::nothing",
    )
    # The first one's findings fail it once more, as findings fail any test.
    result.assert_outcomes(passed=1, failed=1)


def test_the_test_suites_own_requests_are_watched(project):
    result = project.run(
        """
        def test_first(client): client.get("/leaks/")
        def test_second(client): client.get("/leaks/")
        def test_third(client): client.get("/fine/")
        """,
        "--holdfast-watch",
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*leak: request 2 (GET /leaks/) read request data of request 1*"])


@pytest.mark.parametrize("options", [(), ("--holdfast-watch",)], ids=["", "watch"])
def test_a_bug_fails_each_test_that_meets_it(project, options):
    project.middleware("site_views.Timer")
    result = project.run(
        """
        def test_first(isolated_requests, client): isolated_requests(client, "/fine/")
        def test_second(isolated_requests, client): isolated_requests(client, "/fine/")
        """,
        *options,
    )
    result.assert_outcomes(failed=2)


def test_what_one_test_has_left_fails_all_that_read_it(project):
    result = project.run(
        """
        def test_first(client): client.get("/holds/")
        def test_second(client): client.get("/reads/")
        def test_third(client): client.get("/reads/")
        """,
        "--holdfast-watch",
    )
    result.assert_outcomes(passed=1, failed=2)


def test_what_all_workers_of_a_run_have_seen_is_added_up(project):
    project.middleware("site_views.Timer")
    result = project.run(
        """
        def test_first(client): client.get("/locked/"); client.get("/locked/")
        def test_second(client): client.get("/locked/"); client.get("/locked/")
        """,
        *("--holdfast-watch", "-p", "xdist", "-n", "2"),
    )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["4 requests watched, 0 bugs found", "*site_views.last*2x*"])


def test_shared_state_is_listed_and_fails_nothing(project):
    result = project.run(
        "def test_it(client): client.get('/locked/'); client.get('/locked/')", "--holdfast-watch"
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["*holdfast watch*", "2 requests watched, 0 bugs found", "*site_views.last*"]
    )


def test_pytest_explains_the_assertions_of_all_its_tests(project, pytester):
    project.write("pytest.ini", "[pytest]\npython_files = tests.py check_*.py\n")
    for name in ("tests", "check_it"):
        project.write(f"{name}.py", "def test_it():\n    got = [1]\n    assert got == [2]\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--holdfast-watch")
    result.assert_outcomes(failed=2)
    assert result.stdout.str().count("assert [1] == [2]") >= 2


def test_a_pattern_that_fits_all_modules_keeps_none_from_being_watched(project):
    project.write("pytest.ini", "[pytest]\npython_files = *.py\n")
    result = project.run(
        """
        def test_it(client):
            import site_views
            assert "__holdfast__" in site_views.Timer.__call__.__code__.co_names
        """,
        "--holdfast-watch",
    )
    result.assert_outcomes(passed=1)


def test_without_options_nothing_is_rewritten(project):
    result = project.run(
        """
        def test_it(client):
            import site_views
            client.get("/leaks/")
            client.get("/leaks/")
            assert "__holdfast__" not in site_views.Timer.__call__.__code__.co_names
        """
    )
    result.assert_outcomes(passed=1)
    assert "holdfast watch" not in result.stdout.str()


def test_leftovers_fail_the_test_that_left_them(project):
    result = project.run(
        """
        import holdfast
        def test_clean(client): client.get("/fine/")
        def test_data(client): client.get("/holds/")
        def test_scope():
            global kept
            kept = holdfast.open_scope()
            kept.__enter__()
        def test_clean_again(client): client.get("/fine/")
        """,
        "--holdfast-leftovers",
    )
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        ["*request data left in site_views.held*", "*a request scope left open*"]
    )


def test_a_scope_is_given_to_a_test(project):
    result = project.run(
        """
        import holdfast
        def test_it(request_scope):
            holdfast.state.user = 7
            assert request_scope.state.user == 7
        def test_none():
            assert holdfast.current(None) is None
        """
    )
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize("server", ["gunicorn", "uvicorn"])
def test_a_view_is_served_by_a_real_server(project, server: str):
    result = project.run(
        f"""
        from urllib.request import urlopen
        def test_view(served_by):
            with served_by({server!r}, view="site_views.fine") as server:
                assert urlopen(server.url, timeout=20).read() == b"fine"
        def test_project(served_by):
            with served_by({server!r}) as server:
                assert urlopen(server.url + "/fine/", timeout=20).read() == b"fine"
        """
    )
    result.assert_outcomes(passed=2)


def test_a_server_that_does_not_come_up_says_why(project):
    result = project.run(
        """
        import pytest
        def test_it(served_by):
            with pytest.raises(RuntimeError, match="No module named 'no_such_module'"):
                with served_by("gunicorn", app="no_such_module:application"):
                    pass
            with pytest.raises(ValueError, match="there are gunicorn,"):
                with served_by("no such server"):
                    pass
        """
    )
    result.assert_outcomes(passed=1)


def test_the_plugin_loads_neither_django_nor_the_watch(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import sys
        def test_it():
            loaded = [name for name in sys.modules if name.startswith("holdfast.")]
            assert "holdfast.watch" not in loaded
            assert "django" not in sys.modules
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
