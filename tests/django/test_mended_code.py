"""What was mended still does what it did: the cases are run, before and after, sync and async."""

import asyncio
import types

import pytest
from asgiref.sync import iscoroutinefunction
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import AsyncRequestFactory, RequestFactory

import holdfast
from holdfast.scope.scope import scope_var
from tests.doctor.mend import corpus

CLIENT, SPOOFED = "203.0.113.7", "6.6.6.6, 203.0.113.7"


def of(name, *without):
    found = [case for case in corpus.cases(name) if not any(w in case.after for w in without)]
    return pytest.mark.parametrize("case", found, ids=map(str, found))


def run(source, name):
    module = types.ModuleType("shop_things")
    exec(compile(source, "things.py", "exec"), vars(module))  # noqa: S102 - it is ours
    return getattr(module, name)


def middleware(source):
    return run(
        source, "Middleware" if "Middleware =" in source or "class " in source else "middleware"
    )


def requests(factory):
    yield factory.get("/api/things/")
    yield factory.get("/static/a.css", headers={"X-Shop": "tea"})
    yield factory.get("/closed/")
    yield factory.post("/", b'{"tea": 1}', content_type="application/json")


def answer(request):
    return HttpResponse(request.body + request.path.encode())


def seen(response):
    return response.status_code, sorted(response.items()), response.content


def served_sync(source):
    responses = []
    for request in requests(RequestFactory()):
        chain = middleware(source)(answer)  # a new one, which no other request has used
        with holdfast.open_scope(request):
            responses.append(seen(chain(request)))
    return responses


def served_async(source):
    async def view(request):
        await asyncio.sleep(0)
        return answer(request)

    async def serve():
        chain = middleware(source)(view)
        assert iscoroutinefunction(chain)
        responses = []
        for request in requests(AsyncRequestFactory()):
            async with holdfast.open_scope(request):
                responses.append(seen(await chain(request)))
        return responses

    return asyncio.run(serve())


@of("s4")
def test_middleware_answers_the_same_sync_and_async(case):
    before = served_sync(case.before)
    assert served_sync(case.after) == before
    assert served_async(case.after) == before


@of("s1", "NoteAdmin", "UserNode")
def test_state_of_the_request_answers_the_same(case):
    before = served_sync(case.before)
    assert served_sync(case.after) == before
    assert served_async(case.after) == before


def within(scope, function, *arguments):
    token = scope_var.set(scope)
    try:
        return function(*arguments)
    finally:
        scope_var.reset(token)


def two():
    return RequestFactory().get("/one/"), RequestFactory().post("/other/")


def one_after_the_other(source):
    return [seen(middleware(source)(answer)(request)) for request in two()]


def hooks_of_two_in_turns(source):
    chain = middleware(source)(answer)
    requests = two()
    with holdfast.open_scope(requests[0]) as one, holdfast.open_scope(requests[1]) as other:
        both = list(zip(requests, (one, other), strict=True))
        for request, scope in both:
            within(scope, chain.process_request, request)
        return [
            seen(within(scope, chain.process_response, request, answer(request)))
            for request, scope in both
        ]


@of("s1", "NoteAdmin", "UserNode", "X-Fast", "X-Names", "path_")
def test_two_requests_at_once_no_longer_meet(case):
    alone = one_after_the_other(case.before)
    assert hooks_of_two_in_turns(case.before) != alone
    assert hooks_of_two_in_turns(case.after) == alone


@of("s7")
def test_the_body_is_seen_as_the_view_has_read_it(case):
    if "async def" in case.after:
        assert served_async(case.after) == served_async(case.before)
        return
    assert served_sync(case.after) == served_sync(case.before)


@of("s7", "async def")
def test_a_view_that_streams_its_upload_can_do_so(case):
    def view(request):
        return HttpResponse(request.read(4))

    (*_, request) = requests(RequestFactory())
    assert middleware(case.after)(view)(request).content == b'{"te'


@of("s3")
def test_a_local_is_the_same_within_a_request(case):
    set_user = run(case.after, "set_user")
    module = types.SimpleNamespace(**set_user.__globals__)
    assert module.get_user() is None  # outside of requests, as before
    with holdfast.open_scope():
        assert module.get_user() is None
        module.set_user("ann")
        assert module.get_user() == "ann"
        with holdfast.open_scope():
            assert module.get_user() is None
            module.set_user("bob")
            if hasattr(module, "get_user_before"):
                assert module.get_user_before() is None
        assert module.get_user() == "ann"
        module.forget_user()
        assert module.get_user() is None


@of("s6")
def test_an_address_is_the_peers_unless_a_proxy_is_trusted(case):
    before, after = (run(source, "client_ip") for source in (case.before, case.after))
    plain = RequestFactory().get("/")
    forwarded = RequestFactory().get("/", headers={"X-Forwarded-For": SPOOFED})
    assert after(plain) == before(plain) == "127.0.0.1"
    assert "6.6.6.6" in before(forwarded) or before(forwarded).strip() == CLIENT
    assert after(forwarded) == "127.0.0.1"
    try:
        holdfast.configure({"LOG": {"PROXIES": 1}})
        assert after(forwarded) == CLIENT
    finally:
        holdfast.configure({})


def fail_after(change):
    with transaction.atomic():
        change("a", [])
        assert cache.get("note-a") == "old"
        raise ZeroDivisionError


@of("s10", "models.Model")
@pytest.mark.usefixtures("database")
def test_a_cache_is_changed_by_the_commit_and_not_by_a_rollback(case):
    change = run(case.after, "change")
    cache.clear()
    cache.set("note-a", "old", 60)
    with pytest.raises(ZeroDivisionError):
        fail_after(change)
    assert cache.get("note-a") == "old"
    with transaction.atomic():
        change("a", [])
        assert cache.get("note-a") == "old"
    outcome = cache.get("note-a", "gone")

    cache.set("note-a", "old", 60)
    run(case.before, "change")("a", [])
    assert outcome == cache.get("note-a", "gone")
