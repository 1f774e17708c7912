"""`holdfast watch -- COMMAND`: real servers, started as ever, with the watch aboard."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from typing import Any
from urllib.request import urlopen

import pytest

from holdfast.testing.ports import free_port

SITE = """
    import os, threading
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site")
    SECRET_KEY = "x"
    ROOT_URLCONF = "site"
    ALLOWED_HOSTS = ["*"]
    MIDDLEWARE = ["timers.%s"]
    from django.urls import path
    def view(request):
        import timers
        return timers.view(request)
    urlpatterns = [path("", view)]
"""
TIMERS = """
    import os, threading
    from django.http import HttpResponse
    class Bad:
        def __init__(self, get_response):
            self.get_response = get_response
        def __call__(self, request):
            self.begun = id(request)
            response = self.get_response(request)
            response["X-Begun"] = str(self.begun)
            return response
    class Good(Bad):
        def __call__(self, request):
            request.begun = id(request)
            response = self.get_response(request)
            response["X-Begun"] = str(request.begun)
            return response
    # Two requests at a time are in the view together.
    together = threading.Barrier(2)
    def view(request):
        together.wait(30)
        return HttpResponse(str(os.getpid()))
"""
WSGI = """
    import django
    django.setup()
    from django.core.wsgi import get_wsgi_application
    application = get_wsgi_application()
"""


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()

    def write(self, middleware: str) -> None:
        for name, text in (
            ("website.py", SITE.replace('"site"', '"website"') % middleware),
            ("timers.py", TIMERS),
            ("app.py", WSGI),
        ):
            (self.folder / name).write_text(dedent(text))

    def start(self, *server: str, options: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "website"}
        environment.pop("PYTHONPATH", None)
        return subprocess.Popen(
            [sys.executable, "-m", "holdfast", "watch", *options, "--", *server],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def visit(self, times: int = 2) -> list[str]:
        """Two users at a time."""
        url = f"http://127.0.0.1:{self.port}/"
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                assert time.monotonic() < until
                time.sleep(0.05)

        def ask(_: int) -> str:
            with urlopen(url, timeout=60) as answer:
                return answer.read().decode()

        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(ask, range(2 * times)))

    def gunicorn(self, *options: str) -> tuple[str, ...]:
        return (
            *(sys.executable, "-m", "gunicorn", "--no-control-socket"),
            *("--bind", f"127.0.0.1:{self.port}", "--worker-class=gthread", "--threads=4"),
            *(*options, "app:application"),
        )

    def uwsgi(self) -> tuple[str, ...]:
        program = Path(sys.executable).parent / "uwsgi"
        if not program.exists():
            pytest.skip("uwsgi is not installed")  # it has no wheels
        return (
            *(str(program), "--master", "--die-on-term", "--enable-threads", "--threads=2"),
            *(f"--http-socket=127.0.0.1:{self.port}", "--module=app"),
        )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["", "preload"])
def test_a_lost_write_under_a_real_server_is_told_with_both_requests(site, options):
    site.write("Bad")
    process = site.start(*site.gunicorn(*options))
    workers = set(site.visit())
    status, out, err = ended(process)
    assert status == 1, err
    assert "lost write:" in err
    assert "timers.Bad.begun" in err
    assert "self.begun = id(request)" in err
    assert "4 requests watched, 1 bug found." in out
    assert not any(map(alive, workers))


def test_a_clean_project_ends_with_nothing_found(site):
    site.write("Good")
    process = site.start(*site.gunicorn())
    site.visit()
    status, out, err = ended(process)
    assert status == 0, err
    assert "4 requests watched, 0 bugs found." in out


def test_programs_get_json_and_the_server_ends_in_time(site):
    site.write("Bad")
    process = site.start(*site.gunicorn(), options=("--json", "--seconds", "8"))
    site.visit()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    found: dict[str, Any] = json.loads(out)
    assert found["bugs"] == 1
    (crossing,) = [one for one in found["crossings"] if one["kind"] == "lost write"]
    assert crossing["place"] == "timers.Bad.begun"
    assert crossing["read"]["stack"][0]["function"] == "Bad.__call__"


def test_the_users_own_sitecustomize_runs_too_and_sees_no_strangers(site):
    (site.folder / "sitecustomize.py").write_text("import sys\nsys.own = 'ran'\n")
    code = "import sys; print(sys.own, sys.modules['sitecustomize'].__file__, sys.path)"
    environment = {**os.environ, "PYTHONPATH": str(site.folder)}
    run = subprocess.run(
        [sys.executable, "-m", "holdfast", "watch", "--", sys.executable, "-c", code],
        cwd=site.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.stdout.startswith(f"ran {site.folder / 'sitecustomize.py'}")
    assert "aboard" not in run.stdout


def test_processes_that_the_server_starts_are_watched_too(site):
    code = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', "
        "'import sys; print(*[type(one).__name__ for one in sys.meta_path])'])"
    )
    run = subprocess.run(
        [sys.executable, "-m", "holdfast", "watch", "--", sys.executable, "-c", code],
        cwd=site.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "WatchedFinder" in run.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--", "no-such-program"), "no-such-program: No such file"),
        (("--root", "no/such/folder", "--", "true"), "there is no such folder"),
        (("--seconds", "0", "--", "true"), "--seconds has to be more than 0"),
        (("--", "false"), "ended by itself, with status 1"),
        (("--", "true"), "No process of the server was watched"),
        (("--", sys.executable, "-E", "-c", "1"), "No process of the server was watched"),
        (("--seconds", "2", "--", sys.executable, "-c", "1"), "No request was seen"),
        ((), "required: COMMAND"),
    ],
)
def test_what_is_asked_wrongly_is_said_in_a_line(site, arguments, message):
    run = subprocess.run(
        [sys.executable, "-m", "holdfast", "watch", *arguments],
        cwd=site.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 2
    assert message in run.stderr
    assert "Traceback" not in run.stderr


VISITS = """
    import os, resource, sys, threading
    {first}
    from holdfast.scope.open_scope import open_scope
    print("said by the server")
    class Application:
        def begin(self, who, written, go_on):
            with open_scope(name=f"GET /{{who}}"):
                self.who = who
                written.set()
                assert go_on.wait(30)
                return self.who
    application = Application()
    first, second = threading.Event(), threading.Event()
    found = []
    def ask():
        found.append(application.begin("a", first, second))
    thread = threading.Thread(target=ask)
    thread.start()
    assert first.wait(30)
    application.begin("b", second, first)
    thread.join()
    assert found == ["b"]
"""
#: No file can be opened any more: those that are open are all that there may be.
NO_MORE_FILES = """
    last = os.dup(0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (last, last))
    os.close(last)
"""
ANOTHER_USER = """
    import holdfast.scope.open_scope
    os.setuid(65534)
"""


@pytest.mark.parametrize(
    "first",
    [
        "",
        pytest.param(NO_MORE_FILES, id="no more files"),
        pytest.param(
            ANOTHER_USER,
            id="another user",
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
        ),
    ],
)
def test_what_is_seen_is_reported_whatever_becomes_of_the_process(site, first):
    (site.folder / "app.py").write_text(dedent(VISITS).format(first=dedent(first)))
    process = site.start(sys.executable, "app.py", options=("--json",))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    # Nothing but the document: the server's own output goes elsewhere.
    assert "said by the server" in err
    found = json.loads(out)
    assert (found["requests"], found["bugs"], found["server_status"]) == (2, 1, 0)


PLAIN = """
    import threading, time
    together = threading.Barrier(2)
    class Application:
        def __call__(self, environ, start_response):
            {who} = environ["QUERY_STRING"] or str(id(environ))
            {wait}
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [{who}.encode()]
    application = Application()
"""


@pytest.mark.parametrize("server", ["gunicorn", "uwsgi"])
@pytest.mark.parametrize(("who", "bugs"), [("self.who", 1), ("who", 0)])
def test_an_application_without_a_framework_is_watched_too(site, server, who, bugs):
    (site.folder / "app.py").write_text(dedent(PLAIN.format(who=who, wait="together.wait(30)")))
    command = site.gunicorn() if server == "gunicorn" else site.uwsgi()
    process = site.start(*command, options=("--json",))
    site.visit(1)
    status, out, err = ended(process)
    assert status == bugs, err
    found = json.loads(out)
    assert len(found["crossings"]) == bugs
    assert all(one["place"] == "app.Application.who" for one in found["crossings"])


def test_requests_to_code_that_is_not_the_projects_prove_nothing(site):
    (site.folder / "app.py").write_text(
        dedent(PLAIN.format(who="self.who", wait="together.wait(30)"))
    )
    (site.folder / "elsewhere").mkdir()
    process = site.start(*site.gunicorn(), options=("--root", "elsewhere"))
    site.visit(1)
    status, out, err = ended(process)
    assert status == 2, err
    assert "2 requests watched, 0 bugs found." in out
    assert "name its folder by --root" in err


def test_what_a_request_leaves_in_its_threads_context_is_told(site):
    (site.folder / "app.py").write_text(
        dedent("""
            from contextvars import ContextVar
            latest = ContextVar("latest", default=None)
            def application(environ, start_response):
                before = latest.get()
                latest.set(environ)
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [b"first" if before is None else b"not the first"]
        """)
    )
    process = site.start(*site.gunicorn("--worker-class=sync"), options=("--json",))
    assert "not the first" in site.visit()
    status, out, err = ended(process)
    assert status == 1, err
    (found,) = json.loads(out)["crossings"]
    assert (found["kind"], found["place"]) == ("leak", "app.latest")


def test_users_of_the_probe_ask_where_it_is_said_what(site):
    (site.folder / "app.py").write_text(
        dedent(PLAIN.format(who="self.who", wait="time.sleep(0.1)"))
    )
    users = ("--path", "/?is={marker}", "--users", "2", "--requests", "2", "--up-within", "60")
    process = site.start(*site.gunicorn(), options=("--json", *users))
    out, err = process.communicate(timeout=100)
    assert process.returncode == 1, err
    found = json.loads(out)
    assert "app.Application.who" in {one["place"] for one in found["crossings"]}
    assert {one["marker_kind"] for one in found["crossed"]} == {"query"}


def test_users_are_told_what_to_ask(site):
    process = site.start("true", options=("--requests", "3"))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "Give --path" in err
