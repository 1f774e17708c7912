"""`holdfast doctor --settings`: what only a loaded project shows. Each one is really loaded."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from holdfast.cli import main

BASE = """\
SECRET_KEY = "x"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "holdfast.django",
]
ROOT_URLCONF = "mysite.urls"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "shop.middleware.Timing",
    "holdfast.django.middleware.RequestScope",
]
REST_FRAMEWORK = {"DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"]}
CACHES = {}
for alias, backend, options in (
    ("default", "locmem.LocMemCache", {"MAX_ENTRY": 10}),
    ("redis", "redis.RedisCache", {"socket_time_out": 3}),
):
    CACHES[alias] = {
        "BACKEND": f"django.core.cache.backends.{backend}",
        "LOCATION": "redis://127.0.0.1:1/0",
        "OPTIONS": options,
    }
SESSION_ENGINE = ".".join(["django.contrib.sessions.backends", "cache"])
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "CONN_MAX_AGE": 60},
    "pooled": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        "OPTIONS": {"pool": True},
    },
}
"""
SETTINGS = """\
from .base import *

print("some noise")
ASGI_APPLICATION = "mysite.asgi.application"
"""
GOOD = """\
SECRET_KEY = "x"
INSTALLED_APPS = ["holdfast.django"]
ROOT_URLCONF = "mysite.urls"
MIDDLEWARE = ["holdfast.django.middleware.RequestScope"]
ASGI_APPLICATION = "mysite.good_asgi.application"
"""
GOOD_ASGI = """\
import holdfast.asgi
from holdfast.django.asgi import get_asgi_application

application = holdfast.asgi.RequestScope(get_asgi_application())
"""
ASGI = """\
from django.core.asgi import get_asgi_application

application = get_asgi_application()
"""
MIDDLEWARE = """\
def wrapped(class_):
    return class_


@wrapped
class Timing:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name, text in {
        "manage.py": "",
        "mysite/__init__.py": "",
        "mysite/base.py": BASE,
        "mysite/settings.py": SETTINGS,
        "mysite/good.py": GOOD,
        "mysite/good_asgi.py": GOOD_ASGI,
        "mysite/asgi.py": ASGI,
        "mysite/urls.py": "urlpatterns = []\n",
        "shop/__init__.py": "",
        "shop/middleware.py": MIDDLEWARE,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    return tmp_path


def doctor(capsys, *words):
    status = main(["doctor", "--no-cache", "--jobs", "1", "--json", *words])
    shown = capsys.readouterr()
    return status, json.loads(shown.out)["findings"]


def by_place(findings):
    return {(one["code"], one["path"], one["line"]): one for one in findings}


def line_of(project, name, text):
    lines = (project / name).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_what_only_the_loaded_project_shows_is_found_where_it_stands(project, capsys):
    status, findings = doctor(capsys, "--settings", "mysite.settings")
    assert status == 1
    found = by_place(findings)
    base = "mysite/base.py"

    middleware = found["S4a", "shop/middleware.py", 6]
    assert "as Django resolves it" in middleware["message"]
    assert "switches of threads (" in middleware["message"]
    (cost,) = [one for one in findings if one["code"] == "H2b"]
    assert cost["line"] == line_of(project, base, "MIDDLEWARE = [")

    messages = [one["message"] for one in findings if one["code"] == "S8b"]
    assert any("ignores the option MAX_ENTRY" in one for one in messages)
    assert any("got an unexpected keyword argument 'socket_time_out'" in one for one in messages)

    shared = [one for one in findings if one["code"] == "S8a"]
    assert {one["attribute"] for one in shared} == {"CACHES['default']"}
    assert "sessions are kept in it" in shared[0]["message"]
    assert any("AnonRateThrottle counts in it" in one["message"] for one in shared)

    assert ("S8d", base, line_of(project, base, '"default": {"ENGINE"')) in found
    (pool,) = [one for one in findings if one["code"] == "S8e"]
    assert (pool["line"], "knows no pool" in pool["message"]) == (
        line_of(project, base, '"pooled": {'),
        True,
    )
    own = {one["attribute"]: one for one in findings if one["code"] == "H2a"}
    assert {"holdfast.W001", "holdfast.W002", "holdfast.I201"} <= set(own)
    assert own["holdfast.I201"]["path"] == "mysite/settings.py"
    assert all(one["confidence"] == "high" for one in findings if one["code"] != "S8d")


def test_a_project_in_order_has_none_of_these(project, capsys):
    _, findings = doctor(capsys, "--settings", "mysite.good", "mysite/good.py")
    ours = [one for one in findings if one["code"] not in {"S8f", "H1a"}]
    assert ours == []


def test_without_the_option_nothing_is_loaded(project, capsys):
    (project / "mysite/settings.py").write_text("raise SystemExit(7)\n")
    _, findings = doctor(capsys)
    assert {one["code"] for one in findings} >= {"S4a"}
    assert not any(one["code"].startswith(("D2", "H2")) for one in findings)


@pytest.mark.parametrize(
    ("settings", "said", "line"),
    [
        ("from .base import *\nimport notthere\n", "No module named 'notthere'", 2),
        ("raise SystemExit('no DATABASE_URL')\n", "SystemExit: no DATABASE_URL", 1),
        ("import os\nprint('last words')\nos._exit(3)\n", "ended with 3: last words", 1),
    ],
)
def test_a_project_that_can_not_be_loaded_is_told_and_the_code_is_read(
    project, capsys, settings, said, line
):
    (project / "mysite/settings.py").write_text(settings)
    status, findings = doctor(capsys, "--settings", "mysite.settings")
    (failed,) = [one for one in findings if one["code"] == "D2a"]
    assert said in failed["message"]
    assert (failed["path"], failed["line"], status) == ("mysite/settings.py", line, 1)
    assert ("S4a", "shop/middleware.py", 6) in by_place(findings)


def test_a_project_that_hangs_is_ended_with_all_it_has_started(project, capsys):
    (project / "mysite/settings.py").write_text(
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open('child.pid', 'w').write(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    started = time.monotonic()
    _, findings = doctor(
        capsys, "--settings", "mysite.settings", "--settings-timeout", "5", "--select", "D2"
    )
    assert time.monotonic() - started < 60
    assert "took longer than 5 s" in findings[0]["message"]
    child = int((project / "child.pid").read_text())
    for _ in range(200):
        try:
            os.kill(child, signal.SIGCONT)
        except ProcessLookupError:
            return
        if "Z" in (pid_status(child)):
            return  # ended; whoever adopted it has not yet asked
        time.sleep(0.05)
    pytest.fail("what the settings had started goes on")


def pid_status(pid):
    try:
        text = Path(f"/proc/{pid}/status").read_text()
        return next(line for line in text.splitlines() if line.startswith("State:"))
    except FileNotFoundError:
        return "Z"


def test_a_time_out_must_be_one(project, capsys):
    assert main(["doctor", "--settings", "x", "--settings-timeout", "soon"]) == 2
    assert "'soon' is no number of seconds" in capsys.readouterr().err


def test_what_the_project_prints_is_kept_apart(project, capsys):
    status = main(["doctor", "--no-cache", "--json", "--settings", "mysite.settings"])
    shown = capsys.readouterr()
    assert "some noise" not in shown.out + shown.err
    json.loads(shown.out)
    assert status == 1


def test_the_time_that_loading_took_is_counted(project, capsys):
    (project / "mysite" / "slow.py").write_text(
        "import time\nfrom .good import *\ntime.sleep(1)\n", encoding="utf-8"
    )
    main(["doctor", "--no-cache", "--json", "--settings", "mysite.slow", "mysite/good.py"])
    assert json.loads(capsys.readouterr().out)["summary"]["seconds"] >= 1
