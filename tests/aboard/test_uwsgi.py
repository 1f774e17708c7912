"""Applications without a framework are followed under uWSGI, however it is told to load them."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.aboard import uwsgi
from holdfast.probe.events import Trouble
from tests.probe.aboard.serving import serving

SITE = """
import sys


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(sys.getprofile()).encode()]


def make():
    return application


other = application
"""
PROGRAM = str(Path(sys.executable).parent / "uwsgi")

LOADED = {
    "a module": ("--module=site_of_uwsgi",),
    "a module's callable": ("--wsgi=site_of_uwsgi:other",),
    "what a function makes": ("--module=site_of_uwsgi:make()",),
    "a file": ("--wsgi-file=site_of_uwsgi.py",),
    "a file by its path": ("--file={folder}/site_of_uwsgi.py", "--callable=other"),
    "an ini file": ("--ini=uwsgi.ini",),
    "a mounted file": ("--mount=/shop=site_of_uwsgi.py", "--manage-script-name"),
    "after the fork": ("--module=site_of_uwsgi", "--lazy-apps", "--processes=2"),
    "with threads": ("--module=site_of_uwsgi", "--enable-threads", "--threads=3"),
    "a mounted module": ("--mount=/shop=site_of_uwsgi:other", "--manage-script-name"),
}


@pytest.mark.parametrize("how", LOADED)
def test_a_plain_application_is_followed(how, tmp_path):
    with serving(_command(tmp_path, *LOADED[how]), "", tmp_path, root=tmp_path) as one:
        # What looked on while it was loaded is gone.
        assert one.ask("/shop", "run-1-1") == (200, "None")
        assert [served.request for served in one.served(1)] == ["run-1-1"]
        assert one.of(Trouble) == []


def test_each_of_several_is_followed(tmp_path):
    command = _command(
        *(tmp_path, "--mount=/news=news.py", "--mount=/shop=site_of_uwsgi.py"),
        *("--single-interpreter", "--manage-script-name"),
    )
    with serving(command, "", tmp_path, root=tmp_path) as one:
        assert one.ask("/news", "run-1-1") == (200, "None")
        assert one.ask("/shop", "run-1-2") == (200, "None")
        assert [served.request for served in one.served(2)] == ["run-1-1", "run-1-2"]


def test_one_that_is_not_there_is_left_to_uwsgi_to_report(tmp_path):
    command = _command(tmp_path, "--module=site_of_uwsgi:missing")
    with serving(command, "", tmp_path, root=tmp_path) as one:
        one.until(one.printed, lambda printed: "no app loaded" in printed)
        assert "Traceback" not in one.printed()


def test_the_function_of_a_profiler_that_is_there_already_stays(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n\n\ndef profile(*_):\n    pass\n\n\nsys.setprofile(profile)\n"
    )
    command = _command(tmp_path, "--module=site_of_uwsgi")
    with serving(command, "", tmp_path, root=tmp_path) as one:
        assert one.ask("/", "run-1-1")[1].startswith("<function profile")


def test_other_programs_than_uwsgi_are_left_alone():
    uwsgi.follow(lambda application: application, lambda _what, _error: None)
    assert not isinstance(sys.getprofile(), uwsgi._Loading)


def _command(folder: Path, *options: str) -> Callable[[int], list[str]]:
    for name in ("site_of_uwsgi.py", "news.py"):
        (folder / name).write_text(SITE)
    (folder / "uwsgi.ini").write_text("[uwsgi]\nmodule = site_of_uwsgi\ncallable = other\n")
    always = ("--master", "--die-on-term", "--need-app")
    told = [option.format(folder=folder) for option in options]
    return lambda port: [PROGRAM, f"--http-socket=127.0.0.1:{port}", *always, *told]
