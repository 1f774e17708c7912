"""The paths of a site, with values that work."""

import json

import pytest

from holdfast.probe import events
from holdfast.probe.aboard.samples import sample

from .programs import observed, troubles

SITE = """
import sys
from django.conf import settings
settings.configure(ROOT_URLCONF="__main__", SECRET_KEY="x", INSTALLED_APPS=[])
import django
django.setup()
from django.http import HttpResponse
from django.urls import include, path, re_path, register_converter, resolve
from django.views import View
from django.views.generic import ListView
from django.conf.urls.i18n import i18n_patterns
from holdfast.probe.aboard import routes, writing

class Year:
    regex = "[0-9]{4}"
    def to_python(self, value):
        if int(value) < 2000:
            raise ValueError
        return int(value)
    def to_url(self, value):
        return str(value)

register_converter(Year, "yyyy")

def view(request, **_): return HttpResponse()

class Page(View):
    def get(self, request): ...
    def delete(self, request): ...

more = [
    path("<slug:slug>/", view),
    re_path(r"^(?P<year>[0-9]{4})/(?:page-(?P<page>\\d+)/)?$", view),
]
urlpatterns = [
    path("", view),
    path("article/<int:pk>/edit/", view),
    path("file/<path:name>", view),
    path("<uuid:id>/", view),
    path("in/<yyyy:year>/", view),
    path("page/", Page.as_view()),
    path("blog/", include(more)),
    path("blog/", include(more)),
    path("literal/<str:name>.html", view),
    *i18n_patterns(path("there/", view)),
    re_path(r"^(?P<code>(?!x)y)(?<=z)$", view),
]
routes.tell()
import json
print(json.dumps([resolve(one.path).route for one in routes.routes()]))
"""


def test_each_path_of_the_site_is_told_with_values_that_work(tmp_path):
    found, printed = observed(tmp_path, SITE, observe=False)
    assert not troubles(found)
    told = {one.path: one for one in found if isinstance(one, events.Route)}
    assert list(told) == [
        "/",
        "/article/1/edit/",
        "/file/1",
        "/00000000-0000-0000-0000-000000000000/",
        "/in/2026/",
        "/page/",
        "/blog/1/",
        "/blog/1111/page-1/",
        "/literal/1.html",
        "/en-us/there/",
    ]
    assert told["/page/"].methods == ("DELETE", "GET", "HEAD", "OPTIONS") or told[
        "/page/"
    ].methods == ("DELETE", "GET", "OPTIONS")
    assert told["/page/"].view == "__main__.Page"
    assert told["/article/1/edit/"].view == "__main__.view"
    assert told["/article/1/edit/"].route == "article/<int:pk>/edit/"
    assert told["/article/1/edit/"].methods == ()
    assert [one.route for one in told.values()] == json.loads(printed)


def test_where_there_is_no_django_nothing_is_told(tmp_path):
    code = "from holdfast.probe.aboard import routes\nprint(list(routes.routes()))"
    assert observed(tmp_path, code, observe=False)[1] == "[]"


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "^articles/$",
        r"^(?P<year>[0-9]{4})/(?P<slug>[\w-]+)/$",
        r"^a(?:b|c)*d+?$",
        r"^[^/]+/[^0-9a]$",
        r"^(?P<a>x|y)-(?P=a)$",
        r"^\w{2,3}\s\S.$",
        "^(?i:abc)$",
    ],
)
def test_a_sample_is_what_the_expression_matches(pattern):
    import re

    found = sample(pattern)
    assert found is not None
    assert re.match(pattern, found)


def test_of_an_expression_that_is_beyond_us_there_is_no_sample():
    assert sample(r"^(?=b)a$") is None
    assert sample("(") is None
