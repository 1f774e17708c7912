"""System checks: `manage.py check` on real projects, sound ones and others."""

import importlib.util
import re
from pathlib import Path
from textwrap import dedent

import pytest

from tests.django.project import COMMON, FIRST, Project
from tests.fresh_process import output_of

needs_gevent = pytest.mark.skipif(
    importlib.util.find_spec("gevent") is None, reason="gevent is not installed"
)
GEVENT = "from gevent import monkey; monkey.patch_all()"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """One whose wsgi.py wraps, and in which all is well."""
    return Project(tmp_path, wrapped="wsgi")


def found(output: str) -> list[str]:
    return re.findall(r"holdfast\.[EW]\d+", output)


def test_a_sound_project_has_no_issues(project: Project) -> None:
    code, output = project.check()
    assert code == 0
    assert "System check identified no issues" in output


@needs_gevent
def test_a_sound_project_that_gevent_patched_first_has_no_issues(project: Project) -> None:
    project.first_line = GEVENT
    assert "System check identified no issues" in project.check()[1]


# E001


def test_a_setting_that_makes_no_sense_is_an_error_that_says_what_was_meant(
    project: Project,
) -> None:
    project.settings = "HOLDFAST = {'CARY': ['threads']}\n"
    code, output = project.check()
    assert code == 1
    assert found(output) == ["holdfast.E001"]
    assert "HOLDFAST has no key 'CARY'. Did you mean 'CARRY'?" in output


@pytest.mark.parametrize("value", ["None", "['CARRY']", "{'CARRY': 7}"])
def test_a_setting_of_another_type_is_an_error_and_no_traceback(
    project: Project, value: str
) -> None:
    project.settings = f"HOLDFAST = {value}\n"
    assert found(project.check()[1]) == ["holdfast.E001"]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            {"STORES": {"default": {"URL": "lmdb://", "DURABEL": True}}},
            "HOLDFAST['STORES']['default'] has no option 'DURABEL'. Did you mean 'DURABLE'?",
        ),
        (
            {"STORES": {"default": "memory://", "cache": "foo://x"}},
            "HOLDFAST['STORES']['cache']: No store is called \"foo://\".",
        ),
        ({"LOG": {"IDENTIFY": "shop.nope.f"}}, "there is no shop.nope.f"),
        ({"LOG": {"OUTPUT": "shop.urls.urlpatterns"}}, "shop.urls.urlpatterns is no function"),
    ],
)
def test_a_setting_that_names_what_is_not_there_is_an_error(
    project: Project, setting: object, said: str
) -> None:
    project.settings = f"HOLDFAST = {setting!r}\n"
    code, output = project.check()
    assert code == 1
    assert found(output) == ["holdfast.E001"]
    assert said in output


def test_stores_and_paths_that_are_there_are_no_issue_and_are_not_touched(
    project: Project,
) -> None:
    place = project.folder / "state"
    setting = {
        "STORES": {
            "default": {"URL": f"lmdb://{place}", "SIZE": "64MB"},
            "sessions": {"URL": "redis://127.0.0.1:1/0", "MAX_CONNECTIONS": 7},
            "cache": "memcached://127.0.0.1:1",
        },
        "LOG": {"IDENTIFY": "shop.urls.path", "OUTPUT": f"file:{project.folder}/requests.log"},
    }
    project.settings = f"HOLDFAST = {setting!r}\n"
    assert "System check identified no issues" in project.check()[1]
    assert not place.exists()
    assert not (project.folder / "requests.log").exists()


# W006


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"STORES": {"cahce": "memory://"}}, "has no 'cache', but a store 'cahce'"),
        (
            {"CACHE": {"REPLICAS": {"replicas": 1}}},
            "names 'replicas', which DATABASES doesn't have. Did you mean 'replica'?",
        ),
        ({"LOG": {"OUTPUT": "file:/no/such/folder/x.log"}}, "a file in /no/such/folder"),
    ],
)
def test_a_name_that_was_hardly_meant_is_doubted(
    project: Project, setting: object, said: str
) -> None:
    project.settings = (
        f"HOLDFAST = {setting!r}\n"
        "SQLITE = {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}\n"
        "DATABASES = {'default': SQLITE, 'replica': SQLITE}\n"
    )
    code, output = project.check()
    assert code == 0
    assert found(output) == ["holdfast.W006"]
    assert said in " ".join(output.split())


def test_names_of_stores_that_code_may_ask_for_are_not_doubted(project: Project) -> None:
    stores = dict.fromkeys(("default", "cache", "caches", "sessions"), "memory://")
    project.settings = f"HOLDFAST = {{'STORES': {stores!r}}}\n"
    assert "System check identified no issues" in project.check()[1]


# W001


def test_a_project_with_the_middleware_alone_is_told_so(project: Project) -> None:
    project.wrapped = ""
    code, output = project.check()
    assert code == 0
    assert found(output) == ["holdfast.W001"]
    assert "application = holdfast.wsgi.RequestScope(application)" in output


def test_a_wrapper_in_asgi_py_will_do(project: Project) -> None:
    project.wrapped = "asgi"
    assert found(project.check()[1]) == []


def test_a_wrapper_in_the_module_that_the_settings_name_will_do(project: Project) -> None:
    project.wrapped = ""
    project.settings = "WSGI_APPLICATION = 'entry.application'\n"
    (project.folder / "entry.py").write_text(
        "import holdfast\nfrom shop.wsgi import application\n"
        "application = holdfast.wsgi.RequestScope(application)\n"
    )
    assert found(project.check()[1]) == []


def test_an_entry_that_cannot_be_imported_is_not_this_checks_business(project: Project) -> None:
    project.wrapped = ""
    project.settings = "WSGI_APPLICATION = 'nowhere.application'\n"
    assert found(project.check()[1]) == ["holdfast.W001"]


# W002, W003


def test_middleware_above_ours_is_named(project: Project) -> None:
    project.middleware = [COMMON, FIRST]
    output = project.check()[1]
    assert found(output) == ["holdfast.W002"]
    assert "django.middleware.common.CommonMiddleware stands above" in output


def test_middleware_that_is_missing_is_missed(project: Project) -> None:
    project.middleware = [COMMON]
    output = project.check()[1]
    assert found(output) == ["holdfast.W003"]
    assert 'Put "holdfast.django.middleware.RequestScope" first in MIDDLEWARE.' in output


def test_checks_can_be_silenced(project: Project) -> None:
    project.middleware = [COMMON]
    project.settings = "SILENCED_SYSTEM_CHECKS = ['holdfast.W003']\n"
    assert found(project.check()[1]) == []


# W101 and up


@needs_gevent
def test_what_the_start_up_checks_find_is_shown(project: Project) -> None:
    (project.folder / "label_cache.py").write_text(
        "import threading\nfrom time import sleep\ncache = threading.local()\n"
    )
    project.first_line = f"import label_cache; {GEVENT}"
    output = project.check()[1]
    assert found(output) == ["holdfast.W101", "holdfast.W102"]
    assert "label_cache.cache is a threading.local made before gevent patched" in output


ASYNC_VIEWS = """
from django.core.signals import got_request_exception, request_finished, request_started
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpResponse
from django.views import View

async def live(request):
    return HttpResponse()

class Feed(View):
    async def get(self, request):
        return HttpResponse()

class Page(View):
    def get(self, request):
        return HttpResponse()

def plain(request):
    return HttpResponse()

@receiver(request_started)
async def count(**kwargs):
    pass

@receiver(request_finished)
def clear(**kwargs):
    pass
"""
ASYNC_URLS = """
path("page/", Page.as_view()), path("plain/", plain),
path("api/", include([path("live/", live), path("feed/", Feed.as_view())])),
"""


@needs_gevent
def test_async_views_and_receivers_under_gevent_are_named(project: Project) -> None:
    project.first_line = GEVENT
    project.views, project.urls = ASYNC_VIEWS, ASYNC_URLS
    output = project.check()[1]
    assert found(output) == ["holdfast.W103"] * 3
    assert "The view shop.urls.Feed is async" in output
    assert "The view shop.urls.live is async" in output
    assert "The receiver count of request_started is async" in output


def test_async_views_and_receivers_without_green_threads_are_fine(project: Project) -> None:
    project.views, project.urls = ASYNC_VIEWS, ASYNC_URLS
    assert found(project.check()[1]) == []


@needs_gevent
@pytest.mark.parametrize("urlconf", ["shop.settings", "shop.nowhere"])
def test_a_broken_urlconf_is_left_to_django(project: Project, urlconf: str) -> None:
    project.settings = f"ROOT_URLCONF = {urlconf!r}\n"
    project.write()
    code = """
    import django, holdfast
    django.setup()
    print(holdfast.startup_problems())
    """
    output = output_of(
        f"{GEVENT}\n{dedent(code)}", cwd=project.folder, environment=project.environment
    )
    assert output == "[]"


# W004

LOG = '"holdfast.django.middleware.RequestLog"'


def test_a_log_that_only_the_middleware_writes_is_told_of(project: Project) -> None:
    project.middleware = [FIRST, LOG, COMMON]
    assert found(project.check()[1]) == ["holdfast.W004"]


def test_a_log_behind_its_wrapper_is_sound(project: Project) -> None:
    project.middleware = [LOG, COMMON]
    project.write()
    wsgi = project.folder / "shop" / "wsgi.py"
    text = wsgi.read_text().replace("RequestScope", "RequestLog")
    project.settings = (
        f"import pathlib\npathlib.Path(__file__).with_name('wsgi.py').write_text({text!r})\n"
    )
    assert found(project.check()[1]) == []


# W301


CACHED = """
import holdfast.django
from django.http import HttpResponse
@holdfast.django.cached_view(ttl=60)
def front(request):
    return HttpResponse("front")
"""


def test_cached_views_want_all_processes_watched(project: Project) -> None:
    project.views, project.urls = CACHED, "path('', front)"
    code, output = project.check()
    assert (code, found(output)) == (0, ["holdfast.W301"])
    assert "cached_view is used" in output


@pytest.mark.parametrize("tracking", [True, None])
def test_nothing_is_said_where_they_are_or_where_nothing_is_cached(
    project: Project, *, tracking: bool | None
) -> None:
    if tracking:
        project.views, project.urls = CACHED, "path('', front)"
        project.settings = "HOLDFAST = {'CACHE': {'TRACKING': True}}\n"
    assert "System check identified no issues" in project.check()[1]
