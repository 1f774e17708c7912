"""System checks of the middleware chain, on real projects."""

import re
from pathlib import Path

import pytest

from tests.django.project import COMMON, FIRST, Project

MIDDLEWARE = """
from asgiref.sync import markcoroutinefunction


class SyncOnly:
    def __init__(self, get_response):
        self.get_response = get_response


class AsyncOnly:
    sync_capable, async_capable = False, True

    def __init__(self, get_response):
        markcoroutinefunction(self)
        self.get_response = get_response

    async def __call__(self, request):
        return await self.get_response(request)


class Both(SyncOnly):
    async_capable = True


class SyncAfterAll(Both):
    def __call__(self, request):
        response = self.get_response(request)
        response["X-Seen"] = "yes"
        return response
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "layers.py").write_text(MIDDLEWARE)
    return Project(tmp_path, wrapped="wsgi")


def found(output: str) -> list[str]:
    return re.findall(r"holdfast\.[EWI]\d+", output)


def test_sync_middleware_is_named_where_asgi_serves(project: Project) -> None:
    project.middleware = [FIRST, '"layers.SyncOnly"', '"layers.Both"', COMMON]
    project.settings = "ASGI_APPLICATION = 'elsewhere.application'\n"
    code, output = project.check()
    assert (code, found(output)) == (0, ["holdfast.W201"])
    assert "layers.SyncOnly is sync only" in output
    assert "manage.py holdfast stack" in output


def test_sync_middleware_is_as_well_where_wsgi_serves(project: Project) -> None:
    project.middleware = [FIRST, '"layers.SyncOnly"', COMMON]
    assert found(project.check()[1]) == []


def test_what_says_that_it_is_async_and_is_not_is_named_where_asgi_serves(project: Project) -> None:
    project.middleware = [FIRST, '"layers.SyncAfterAll"', COMMON]
    assert found(project.check()[1]) == []
    project.settings = "ASGI_APPLICATION = 'elsewhere.application'\n"
    code, output = project.check()
    assert (code, found(output)) == (0, ["holdfast.W203"])
    assert "its __call__ is sync" in output
    # It runs as sync, where one below it is sync only.
    project.middleware = [FIRST, '"layers.SyncAfterAll"', '"layers.SyncOnly"']
    assert found(project.check()[1]) == ["holdfast.W201"]


def test_async_middleware_is_named_where_wsgi_serves(project: Project) -> None:
    project.middleware = [FIRST, '"layers.AsyncOnly"', COMMON]
    assert found(project.check()[1]) == ["holdfast.W202"]


def test_djangos_own_handler_is_mentioned_where_asgi_serves(project: Project) -> None:
    project.wrapped = "asgi"
    code, output = project.check()
    assert (code, found(output)) == (0, ["holdfast.I201"])
    assert "from holdfast.django.asgi import get_asgi_application" in output


def test_ours_is_not(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.wrapped = "asgi"
    project.write()
    asgi = project.folder / "shop" / "asgi.py"
    asgi.write_text(asgi.read_text().replace("django.core.asgi", "holdfast.django.asgi"))
    monkeypatch.setattr(Project, "write", lambda _: None)
    assert found(project.check()[1]) == []


def test_a_module_that_cannot_be_imported_is_another_checks_business(project: Project) -> None:
    project.middleware = [FIRST, COMMON]
    project.settings = "ASGI_APPLICATION = 'nowhere.application'\n"
    assert found(project.check()[1]) == []
