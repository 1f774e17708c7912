"""`manage.py holdfast stack` on a real project."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.django.project import COMMON, FIRST, Project

MIDDLEWARE = """
class ApiLogger:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "layers.py").write_text(MIDDLEWARE)
    made = Project(tmp_path, wrapped="asgi", middleware=[FIRST, '"layers.ApiLogger"', COMMON])
    made.write()
    return made


def run(project: Project, *words: str, status: int = 0, module: bool = False) -> str:
    command = ["-m", "holdfast"] if module else ["manage.py", "holdfast"]
    done = subprocess.run(
        [sys.executable, "-W", "error", *command, "stack", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=project.folder,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "shop.settings"},
    )
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def reports(project: Project, *words: str) -> dict[tuple[str, str, str], Any]:
    found = json.loads(run(project, "--json", *words))["reports"]
    return {(one["interface"], one["handler"], one["view"]): one for one in found}


def test_programs_get_all_of_it(project: Project) -> None:
    found = reports(project)
    assert set(found) == {
        *(("asgi", handler, view) for handler in ("Django's", "Holdfast's") for view in VIEWS),
        *(("wsgi", "Django's", view) for view in VIEWS),
    }
    one = found["asgi", "Django's", "async"]
    # Receivers, closing; to ApiLogger, from there to CommonMiddleware; its two hooks.
    assert one["switches"] == 6
    assert one["thread"] is True
    assert one["microseconds"] > 0
    assert one["in_use"] is True
    assert one["application"]["wrappers"] == ["holdfast.asgi.RequestScope"]
    causes = {cause["name"]: cause["switches"] for cause in one["causes"]}
    assert causes == {
        "Django's handler": 2,
        "layers.ApiLogger": 2,
        "django.middleware.common.CommonMiddleware": 2,
    }
    places = {step["what"]: step["where"] for step in one["steps"]}
    assert places["layers.ApiLogger"] == "request's thread"
    # It could be both, but what is below it is sync.
    assert places["holdfast.django.middleware.RequestScope"] == "request's thread"
    assert places["the view (async)"] == "event loop"
    costs = {step["what"]: step["microseconds"] for step in one["steps"]}
    assert costs["layers.ApiLogger"] == 0  # it is in the thread already
    assert costs["holdfast.django.middleware.RequestScope"] > 0


VIEWS = ("async", "sync")


def test_under_wsgi_a_sync_view_has_no_switches(project: Project) -> None:
    found = reports(project, "--interface", "wsgi")
    assert found["wsgi", "Django's", "sync"]["switches"] == 0
    assert found["wsgi", "Django's", "async"]["switches"] == 1


def test_it_sees_whose_handler_serves_the_project(project: Project) -> None:
    asgi = project.folder / "shop" / "asgi.py"
    asgi.write_text(asgi.read_text().replace("django.core.asgi", "holdfast.django.asgi"))
    found = reports(project, "--interface", "asgi")
    assert found["asgi", "Holdfast's", "async"]["in_use"] is True
    assert found["asgi", "Django's", "async"]["in_use"] is False


CHANNELS = """
import holdfast
from django.core.asgi import get_asgi_application

class Router:
    def __init__(self, mapping):
        self.application_mapping = mapping
    async def __call__(self, scope, receive, send):
        await self.application_mapping[scope["type"]](scope, receive, send)

def traced(inner):
    async def traced_application(scope, receive, send):
        await inner(scope, receive, send)
    return traced_application

http = traced(holdfast.asgi.RequestScope(get_asgi_application()))
inner = Router({"websocket": object(), "http": http})

async def application(scope, receive, send):
    await inner(scope, receive, send)
"""


def test_it_sees_the_handler_through_routers_and_functions(project: Project) -> None:
    (project.folder / "shop" / "asgi.py").write_text(CHANNELS)
    found = reports(project, "--interface", "asgi")
    one = found["asgi", "Django's", "async"]
    assert one["in_use"] is True
    assert one["application"]["wrappers"] == [
        "shop.asgi.application",
        "shop.asgi.Router",
        "shop.asgi.traced.<locals>.traced_application",
        "holdfast.asgi.RequestScope",
    ]


def test_people_are_told_who_is_to_blame_and_what_to_do(project: Project) -> None:
    said = run(project)
    assert "shop.asgi.application: holdfast.asgi.RequestScope > Django's handler" in said
    assert re.search(
        r"request's thread  <-> +\d+ µs  holdfast.django.middleware.RequestScope\n", said
    )
    assert re.search(r"request's thread {14,}layers.ApiLogger\n", said)
    assert "layers.ApiLogger: 2 switches" in said
    assert "It is sync only" in said
    assert "from holdfast.django.asgi import get_asgi_application" in said


def test_the_command_without_manage_py_does_the_same(project: Project) -> None:
    assert "layers.ApiLogger: 2 switches" in run(project, module=True)


def test_an_application_that_cannot_be_imported_is_said_and_the_rest_is_shown(
    project: Project,
) -> None:
    (project.folder / "shop" / "asgi.py").write_text("1 / 0\n")
    said = run(project, "--interface", "asgi")
    assert "isn't known: shop.asgi.application can't be imported: division by zero." in said
    assert "layers.ApiLogger: 2 switches" in said


def test_a_middleware_that_is_not_there_is_one_line(project: Project) -> None:
    project.middleware.append('"layers.Nothing"')
    project.write()
    said = run(project, status=2)
    assert "Django can't build the chain" in said
    assert "layers" in said
    assert "Traceback" not in said


def test_without_a_project_it_says_how_to_name_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "stack"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
    )
    assert done.returncode == 2
    assert "--settings" in done.stderr
    assert "Traceback" not in done.stderr
