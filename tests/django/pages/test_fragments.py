"""`{% cached %}`: parts of templates, kept until a save makes them untrue."""

from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.context_processors import auth
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.messages.context_processors import messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest, HttpResponse
from django.template import (
    Context,
    Engine,
    Library,
    RequestContext,
    Template,
    TemplateSyntaxError,
)
from django.test import Client, RequestFactory, override_settings
from django.urls import include, path, resolve, set_urlconf
from django.utils import translation
from django.utils.functional import SimpleLazyObject

import holdfast
from holdfast.django.pages.watching import watching


def render(source: str, request: Any = None, /, **context: Any) -> str:
    template = Template("{% load holdfast i18n %}" + source)
    if request is None:
        return template.render(Context(context))
    return template.render(RequestContext(request, context))


def asked(path: str = "/", **cookies: str) -> HttpRequest:
    request = RequestFactory().get(path)
    request.COOKIES.update(cookies)
    return request


class Counter:
    """Counts how often it was rendered."""

    def __init__(self) -> None:
        self.count = 0

    def __str__(self) -> str:
        self.count += 1
        return str(self.count)


def test_a_fragment_is_rendered_once_for_each_name_and_arguments() -> None:
    counter = Counter()
    source = '{% cached 300 "side" a b %}{{ counter }}{% endcached %}'
    other = "{% cached 300 other a b %}{{ counter }}{% endcached %}"
    assert render(source, counter=counter, a=1, b=2) == "1"
    assert render(source, counter=counter, a=1, b=2) == "1"
    assert render(source, counter=counter, a=1, b="2") == "2"
    assert render(source, counter=counter, a=1, b="2") == "2"
    assert render(other, counter=counter, a=1, b=2) == "3"
    assert render(source, counter=counter, a=1, b=2) == "1"
    holdfast.invalidate("fragment:side")
    assert render(source, counter=counter, a=1, b=2) == "4"
    assert render(other, counter=counter, a=1, b=2) == "3"


def test_what_is_kept_was_escaped_once_and_is_not_again() -> None:
    source = '{% cached 300 "safe" %}<b>{{ text }}</b>{% endcached %}'
    unescaped = "{% autoescape off %}" + source + "{% endautoescape %}"
    for _ in range(2):
        assert render(source, text="<i>") == "<b>&lt;i&gt;</b>"
        assert render(unescaped, text="<i>") == "<b><i></b>"


def test_a_save_makes_the_fragments_untrue_that_show_the_row(database: None) -> None:
    counter = Counter()
    ann, bob = (User.objects.create(username=name) for name in ("ann", "bob"))
    source = (
        '{% cached 300 "user" pk %}'
        "{% for user in users %}{{ user.username }}{% endfor %} {{ counter }}"
        "{% endcached %}"
    )

    def shown(user: User) -> str:
        users = User.objects.filter(pk=user.pk)
        return render(source, users=users, pk=user.pk, counter=counter)

    assert [shown(ann), shown(bob), shown(ann)] == ["ann 1", "bob 2", "ann 1"]
    ann.username = "anna"
    ann.save()
    assert [shown(ann), shown(bob)] == ["anna 3", "bob 2"]


def test_what_a_fragment_reads_of_the_request_is_in_its_key() -> None:
    counter = Counter()
    source = '{% cached 300 "own" %}{{ request.COOKIES.theme }} {{ counter }}{% endcached %}'

    def shown(**cookies: str) -> str:
        request = asked(**cookies)
        return render(source, request, request=request, counter=counter)

    assert [shown(theme=each) for each in "aba"] == ["a 1", "b 2", "a 1"]
    assert shown(theme="a", other="1") == "a 1"


def test_the_language_is_in_the_key_of_fragments_that_speak() -> None:
    counter = Counter()
    speaks = '{% cached 300 "yes" %}{% translate "Yes" %} {{ counter }}{% endcached %}'
    silent = '{% cached 300 "silent" %}{{ counter }}{% endcached %}'
    for language, said in (("en", "Yes 1"), ("de", "Ja 2"), ("en", "Yes 1")):
        with translation.override(language):
            assert render(speaks, counter=counter) == said
    assert {render(silent, counter=counter) for language in ("en", "de")} == {"3"}


def test_a_token_is_never_kept() -> None:
    source = '{% cached 300 "form" %}{% csrf_token %}{% endcached %}'
    tokens = {render(source, asked()) for _ in range(3)}
    assert len(tokens) == 3


def test_fragments_nest() -> None:
    counter = Counter()
    source = (
        '{% cached 300 "outer" %}{{ counter }}'
        '{% cached 300 "inner" %} {{ request.COOKIES.theme }} {{ counter }}{% endcached %}'
        "{% endcached %}"
    )

    def shown(theme: str) -> str:
        request = asked(theme=theme)
        return render(source, request, request=request, counter=counter)

    assert [shown(each) for each in "aba"] == ["1 a 2", "3 b 4", "1 a 2"]
    holdfast.invalidate("fragment:inner")
    assert shown("a") == "5 a 6"
    holdfast.invalidate("fragment:outer")
    assert shown("a") == "7 a 6"


def test_what_no_key_can_be_made_of_is_rendered_each_time() -> None:
    counter = Counter()
    source = '{% cached 300 "x" thing %}{{ counter }}{% endcached %}'
    assert [render(source, thing=object(), counter=counter) for _ in range(2)] == ["1", "2"]
    assert render('{% cached 0 "x" %}{{ counter }}{% endcached %}', counter=counter) == "3"


@pytest.mark.parametrize(
    "source",
    [
        "{% cached %}{% endcached %}",
        "{% cached 300 %}{% endcached %}",
        '{% cached "soon" "x" %}{% endcached %}',
        '{% cached 300 "x" %}',
    ],
)
def test_what_makes_no_sense_is_refused(source: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        render(source)


runs: list[str] = []


@holdfast.django.cached_view(ttl=300)
def listing(request: HttpRequest) -> HttpResponse:
    runs.append("listing")
    source = (
        "{% load holdfast %}{% cached 300 'groups' %}"
        "{% for group in groups %}{{ group.name }} {% endfor %}{{ request.GET.sort }}"
        "{% endcached %}"
    )
    context = {"groups": Group.objects.order_by("name"), "request": request}
    return HttpResponse(Template(source).render(RequestContext(request, context)))


def one(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse(str(pk))


instance = ([path("<int:pk>/", one, name="one")], "own")
urlpatterns = [
    path("groups/", listing, name="listing"),
    path("a/", include(instance, namespace="a")),
    path("b/", include(instance, namespace="b")),
    path("other/<int:pk>/", one),
]


def test_a_page_depends_on_what_its_fragments_have_read(database: None) -> None:
    runs.clear()
    with override_settings(ROOT_URLCONF=__name__):
        client = Client()
        assert client.get("/groups/").content == b""
        Group.objects.create(name="editors")
        assert client.get("/groups/").content == b"editors "
        assert client.get("/groups/?sort=a").content == b"editors a"
        # Made anew, of a fragment that is found.
        holdfast.django.invalidate(listing)
        assert client.get("/groups/?sort=a").content == b"editors a"
        assert len(runs) == 4
        Group.objects.create(name="authors")
        assert client.get("/groups/?sort=a").content == b"authors editors a"
        assert client.get("/groups/").content == b"authors editors "
        again = len(runs)
        assert client.get("/groups/").content == b"authors editors "
        assert len(runs) == again


# What context processors have read before the fragment begins


def processed(request: HttpRequest) -> dict[str, Any]:
    """A context processor."""
    whose = request.COOKIES.get("theme")
    found: dict[str, Any] = {
        "plain": whose,
        "groups": Group.objects.filter(name=whose or ""),
        "closure": lambda: whose,
        "function": asked,
        "request": request,
    }
    return found | ({"only_a": "here"} if whose == "a" else {})


def rendered(source: str, request: Any, *, of: Any = processed, **context: Any) -> str:
    template = Template("{% load holdfast i18n %}" + source)
    return template.render(RequestContext(request, context, processors=[of]))


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        ("{{ plain }}", "{0}"),
        ("{% if plain == 'a' %}a{% else %}b{% endif %}", "{0}"),
        ("{{ closure }}", "{0}"),
        ("{% for group in groups %}{{ group.name }}{% endfor %}", "{0}"),
        ("{% cached 300 'in' %}{{ plain }}{% endcached %}", "{0}"),
        ("{{ only_a }}{% if only_a %}{% else %}not{% endif %}", None),
    ],
)
def test_what_a_context_processor_has_read_is_in_the_key(
    shown: str, text: str | None, database: None
) -> None:
    for name in "ab":
        Group.objects.create(name=name)
    source = f'{{% cached 300 "own" %}}{shown}{{% endcached %}}'
    for _ in range(2):
        for theme in "ab":
            expected = text.format(theme) if text else {"a": "here", "b": "not"}[theme]
            assert rendered(source, asked(theme=theme)) == expected


def test_a_fragment_that_reads_what_is_alike_is_rendered_once(database: None) -> None:
    counter = Counter()
    source = (
        '{% cached 300 "alike" %}{% for g in groups %}{{ g.name }}{% endfor %}'
        "{% if function %}{{ request.COOKIES.no }}{% endif %}{{ only_a }}{{ counter }}"
        "{% endcached %}"
    )
    assert [rendered(source, asked(other=other), counter=counter) for other in "xyz"] == ["1"] * 3
    Group.objects.create(name="")
    assert [rendered(source, asked(), counter=counter) for _ in "xy"] == ["2"] * 2


def in_language(request: HttpRequest) -> dict[str, Any]:
    return {"LANGUAGE_CODE": translation.get_language()}


def test_a_language_that_was_asked_for_before_is_in_the_key() -> None:
    source = '{% cached 300 "code" %}{{ LANGUAGE_CODE }}{% endcached %}'
    for language in ("en", "de", "en"):
        with translation.override(language):
            assert rendered(source, asked(), of=in_language) == language


def signed_in(user: Any) -> HttpRequest:
    request: Any = asked()
    request.user = user
    return request  # type: ignore[no-any-return]


def test_a_user_who_was_loaded_before_is_in_the_key(database: None) -> None:
    ann, bob = (User.objects.create(username=name) for name in ("ann", "bob"))
    # Another test may have emptied the tables, and with them what `migrate` writes.
    ContentType.objects.clear_cache()
    kind = ContentType.objects.get_for_model(Group)
    may_add, _ = Permission.objects.get_or_create(codename="add_group", content_type=kind)
    ann.user_permissions.add(may_add)
    source = (
        "{% if user.is_authenticated %}{% endif %}"
        '{% cached 300 "user" %}{{ user.username }}{% if perms.auth.add_group %}+{% endif %}'
        "{% endcached %}"
    )
    for _ in range(2):
        for user, shown in ((ann, "ann+"), (bob, "bob"), (AnonymousUser(), "")):
            assert rendered(source, signed_in(user), of=auth) == shown


register = Library()


@register.inclusion_tag(Engine().from_string("{% csrf_token %}"))
def shows_token() -> dict[str, Any]:
    return {}


@register.inclusion_tag(Engine().from_string("silent"))
def silent() -> dict[str, Any]:
    return {}


def with_tags(source: str, **context: Any) -> str:
    libraries = {"own": __name__, "holdfast": "holdfast.django.templatetags.holdfast"}
    template = Template("{% load holdfast own %}" + source, engine=Engine(libraries=libraries))
    return template.render(RequestContext(asked(), context))


FORM = "{% csrf_token %}"


@pytest.mark.parametrize("inside", [FORM, "{% shows_token %}", "{% if csrf_token %}x{% endif %}"])
@pytest.mark.parametrize("before", [FORM, "{% shows_token %}", ""])
def test_a_token_that_was_shown_before_is_never_kept(before: str, inside: str) -> None:
    counter = Counter()
    source = f'{before}|{{% cached 300 "form" %}}{inside}{{{{ counter }}}}{{% endcached %}}'
    shown = [with_tags(source, counter=counter).partition("|")[2] for _ in range(3)]
    assert counter.count == 3
    assert len(set(shown)) == 3
    if inside != "{% if csrf_token %}x{% endif %}":
        assert all("csrfmiddlewaretoken" in each for each in shown)


def test_a_tag_that_shows_no_token_may_be_kept() -> None:
    counter = Counter()
    source = FORM + "|{% cached 300 'silent' %}{% silent %}{{ counter }}{% endcached %}"
    shown = [with_tags(source, counter=counter).partition("|")[2] for _ in range(2)]
    assert shown == ["silent1", "silent1"]


def test_messages_are_not_kept_if_there_are_some() -> None:
    source = (
        "{% for each in messages %}{% endfor %}"
        '{% cached 300 "messages" %}{% for each in messages %}{{ each }}{% endfor %}{% endcached %}'
    )
    for text in ("for ann", "for bob"):
        request: Any = asked()
        request._messages = CookieStorage(request)
        request._messages.add(20, text)
        assert rendered(source.partition("endfor %}")[2], request, of=messages) == text
        assert rendered(source, request, of=messages) == text


# What a page's key has anyway, and a fragment's has not


def at(path: str, method: str = "get", data: Any = None) -> Any:
    request: Any = getattr(RequestFactory(), method)(path, data)
    request.resolver_match = resolve(request.path_info) if path != "/" else None
    return request


URLS = [
    ("{{ request.path }}", ["/a/1/", "/b/2/"]),
    ("{{ request.get_full_path }}", ["/a/1/", "/b/2/"]),
    ("{{ request.build_absolute_uri }}", ["http://testserver/a/1/", "http://testserver/b/2/"]),
    ("{{ request.path_info }}", ["/a/1/", "/b/2/"]),
    ("{{ request.resolver_match.view_name }}", ["a:one", "b:one"]),
    ("{{ request.resolver_match.kwargs.pk }}", ["1", "2"]),
    ("{{ request.resolver_match.kwargs.pk }}{{ request.path }}", ["1/a/1/", "2/b/2/"]),
    ("{% url 'own:one' 7 %}", ["/a/7/", "/b/7/"]),
    ("{% cached 300 'inside' %}{{ request.path }}{% endcached %}", ["/a/1/", "/b/2/"]),
    ("{% cached 300 'inside' %}{% url 'own:one' 7 %}{% endcached %}", ["/a/7/", "/b/7/"]),
]


@pytest.mark.parametrize(("shown", "texts"), URLS)
def test_what_a_fragment_reads_of_the_url_is_in_its_key(shown: str, texts: list[str]) -> None:
    counter = Counter()
    source = f'{{% cached 300 "url" %}}{shown} {{{{ counter }}}}{{% endcached %}}'
    with override_settings(ROOT_URLCONF=__name__):
        for path, text, run in [*zip(["/a/1/", "/b/2/"], texts, "12", strict=True)] * 2:
            request = at(path)
            assert render(source, request, request=request, counter=counter) == f"{text} {run}"


def test_a_fragment_with_a_link_is_rendered_once_for_all_urls() -> None:
    counter = Counter()
    source = '{% cached 300 "link" %}{% url "listing" %} {{ counter }}{% endcached %}'
    with override_settings(ROOT_URLCONF=__name__):
        for path in ("/groups/", "/groups/?page=2", "/other/7/"):
            assert render(source, at(path), counter=counter) == "/groups/ 1"
        outside = [render(source, at("/"), counter=counter) for _ in range(2)]
        assert outside == ["/groups/ 2", "/groups/ 2"]


def test_links_of_another_urlconf_are_another_fragment() -> None:
    source = '{% cached 300 "links" %}{% url "listing" %}{% endcached %}'
    other = ModuleType("other_urls")
    other.urlpatterns = [path("elsewhere/", listing, name="listing")]  # type: ignore[attr-defined]
    with override_settings(ROOT_URLCONF=__name__):
        for urlconf, link in ((None, "/groups/"), (other, "/elsewhere/")):
            request = at("/")
            request.urlconf = urlconf
            set_urlconf(urlconf)
            try:
                assert render(source, request) == link
            finally:
                set_urlconf(None)


def test_a_form_that_was_sent_is_not_kept() -> None:
    source = '{% cached 300 "sent" %}{{ request.POST.name }}{% endcached %}'
    for request, name in (
        (at("/"), ""),
        (at("/", "post", {"name": "ann"}), "ann"),
        (at("/", "post", {"name": "bob"}), "bob"),
        (at("/"), ""),
    ):
        assert render(source, request, request=request) == name


def test_a_page_has_no_parts_of_its_fragments_url() -> None:
    request = at("/")
    source = '{% cached 300 "part" %}{{ request.path }}{{ request.COOKIES.theme }}{% endcached %}'
    for _ in range(2):
        with watching(request) as observation:
            render(source, request, request=request)
        assert "cookie:theme" in observation.parts
        assert "attribute:path" not in observation.parts


@holdfast.django.cached_view(ttl=300)
def lazily(request: HttpRequest) -> HttpResponse:
    def lazy(request: HttpRequest) -> dict[str, Any]:
        return {"whose": SimpleLazyObject(lambda: request.COOKIES.get("theme"))}

    source = '{% cached 300 "lazy" %}{{ whose }}{% endcached %} {{ whose }}'
    return HttpResponse(rendered(source, request, of=lazy))


urlpatterns.append(path("lazily/", lazily))


def test_what_a_fragment_needs_for_its_key_is_noted_by_the_page_around() -> None:
    with override_settings(ROOT_URLCONF=__name__):
        for theme in "abcab":
            client = Client()
            client.cookies["theme"] = theme
            assert client.get("/lazily/").content.decode() == f"{theme} {theme}"


def test_a_nonce_is_never_kept() -> None:
    source = '{% cached 300 "nonce" %}{{ csp_nonce }}{% endcached %}'
    for nonce in "ab":
        assert rendered(source, asked(), of=lambda _, nonce=nonce: {"csp_nonce": nonce}) == nonce
