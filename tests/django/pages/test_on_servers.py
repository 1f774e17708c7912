"""Cached pages under real servers, with several workers and overlapping visitors."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from demonstration.running import running
from holdfast.testing.ports import free_port
from tests.django.project import Project

VIEWS = """
import asyncio, time
from pathlib import Path
from django.contrib.auth import get_user_model, login
from django.contrib.auth.models import Group
from django.http import HttpResponse
import holdfast.django

RUNS = Path(__file__).parent.parent / "runs"

def note(text):
    with RUNS.open("a") as file:
        file.write(text + "\\n")

def sign_in(request, name):
    login(request, get_user_model().objects.get_or_create(username=name)[0])
    return HttpResponse(name)

def rename(request, name):
    group = Group.objects.get(pk=1)
    group.name = name
    group.save()
    return HttpResponse(name)

@holdfast.django.cached_view(ttl=600)
def group(request):
    note("group")
    time.sleep(0.3)
    return HttpResponse(Group.objects.get(pk=1).name)

@holdfast.django.cached_view(ttl=600)
async def agroup(request):
    note("agroup")
    await asyncio.sleep(0.3)
    return HttpResponse((await Group.objects.aget(pk=1)).name)

@holdfast.django.cached_view(ttl=600)
def who(request):
    note(f"who {request.user.username}")
    time.sleep(0.01)
    return HttpResponse(request.user.username or "nobody")
"""
URLS = """
path("in/<name>/", sign_in), path("rename/<name>/", rename), path("group/", group),
path("agroup/", agroup), path("who/", who), path("health/", lambda request: HttpResponse("")),
"""
SETTINGS = """
from pathlib import Path
FOLDER = Path(__file__).parent.parent
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "holdfast.django", "django.contrib.auth", "django.contrib.contenttypes",
    "django.contrib.sessions",
]
MIDDLEWARE += [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {"default": {
    "ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "database",
    "OPTIONS": {
        "timeout": 20, "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL",
    },
}}
HOLDFAST = {"CACHE": {"TRACKING": True}, "STORES": {"cache": f"lmdb://{FOLDER}/cache"}}
"""


class Site:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    def get(self, path: str, cookie: str = "") -> tuple[str, str]:
        """The body, and the session's cookie if there is a new one."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
            response = connection.getresponse()
            assert response.status == 200, response.read()[-3000:]
            return response.read().decode(), (response.headers["Set-Cookie"] or "").partition(";")[
                0
            ]
        finally:
            connection.close()

    def runs(self) -> list[str]:
        runs = self.folder / "runs"
        return runs.read_text().splitlines() if runs.exists() else []


@pytest.fixture(scope="module", params=["gunicorn", "uvicorn"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    kind = "wsgi" if request.param == "gunicorn" else "asgi"
    project = Project(folder, settings=SETTINGS, views=VIEWS, urls=URLS, wrapped=kind)
    project.write()
    environment = {**project.environment, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    for command in (["migrate", "-v0"], ["shell", "-v0", "-c", GROUP]):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=folder,
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
            timeout=60,
        )
    command = {
        "gunicorn": [
            *("-m", "gunicorn", "--workers", "3", "-k", "gthread", "--threads", "8"),
            *("--no-control-socket", "--bind", f"127.0.0.1:{port}", "shop.wsgi:application"),
        ],
        "uvicorn": [
            *("-m", "uvicorn", "--workers", "3", "--lifespan", "off", "--log-level", "warning"),
            *("--port", str(port), "shop.asgi:application"),
        ],
    }[request.param]
    with running([sys.executable, *command], port, folder / "log", environment):
        yield Site(folder, port)


GROUP = (
    "from django.contrib.auth.models import Group; Group.objects.get_or_create(pk=1, name='first')"
)


@pytest.mark.parametrize("page", ["group", "agroup"])
def test_many_who_come_at_once_to_several_workers_have_one_run(site: Site, page: str) -> None:
    site.get(f"/rename/{page}/")
    before = site.runs().count(page)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: site.get(f"/{page}/")[0], range(40)))
    assert set(answers) == {page}
    assert site.runs().count(page) == before + 1


def test_nobody_is_served_the_page_of_somebody_else(site: Site) -> None:
    names = [f"user{number}" for number in range(8)]
    cookies = {name: site.get(f"/in/{name}/")[1] for name in names}
    visits = [*names, "nobody"] * 12

    def visit(name: str) -> tuple[str, str]:
        return name, site.get("/who/", cookies.get(name, ""))[0]

    before = len([run for run in site.runs() if run.startswith("who")])
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(visit, visits))
    assert all(name == seen for name, seen in answers)
    # One of each, and those that were asked for before it was known what the page depends on.
    runs = len([run for run in site.runs() if run.startswith("who")]) - before
    assert runs <= 40
    again = len(site.runs())
    assert all(visit(name)[1] == name for name in [*names, "nobody"] * 2)
    assert len(site.runs()) <= again + len(names) + 1


def test_no_reader_sees_what_was_there_before_a_save_that_he_knows_of(site: Site) -> None:
    site.get("/rename/begin/")
    with ThreadPoolExecutor(6) as pool:
        over = time.monotonic() + 3
        readers = [pool.submit(read_on, site, over) for _ in range(4)]
        for number in range(6):
            name = f"name{number}"
            site.get(f"/rename/{name}/")
            assert site.get("/group/")[0] == name
        for reader in readers:
            reader.result()


def read_on(site: Site, over: float) -> None:
    while time.monotonic() < over:
        site.get("/group/")
