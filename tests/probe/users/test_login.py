"""Logging in, each user in a session of its own."""

import asyncio
import base64
import json
from urllib.parse import parse_qs

import pytest

from holdfast.probe.users.canaries import Canaries
from holdfast.probe.users.forms import forms
from holdfast.probe.users.login import log_in
from holdfast.probe.users.plan import Account, Login, Plan, PlanError, Step
from holdfast.probe.users.user import User

# As Django's admin has it, after a form that is none.
PAGE = """
<form action="/search/"><input type="search" name="q"></form>
<form action="" method="post" id="login-form">
  <input type="hidden" name="csrfmiddlewaretoken" value="MaskedToken">
  <input type="text" name="username" autofocus maxlength="150" required id="id_username">
  <input type="password" name="password" required id="id_password">
  <input type="checkbox" name="remember"><input type="checkbox" name="terms" value="1" checked>
  <input type="hidden" name="next" value="/admin/&amp;a=1">
  <input type="submit" value="Log in" name="go">
</form>
"""


def test_the_form_of_a_login_is_found_and_what_a_browser_would_send():
    search, login = forms(PAGE)
    assert not search.is_login
    assert (login.name, login.password) == ("username", "password")
    assert login.values == {
        "csrfmiddlewaretoken": "MaskedToken",
        "username": "",
        "password": "",
        "terms": "1",
        "next": "/admin/&a=1",
    }


@pytest.fixture
def logged_in(site):
    """Logs users in, lets each ask once, and gives what crossed."""

    def visited(login, accounts, users=2):
        plan = Plan([Step("/page/")], users=users, login=login, accounts=accounts)

        async def all_of_them():
            canaries = Canaries("abcdefghij", lambda user: plan.account(user).name)
            here = [
                User(number, plan, site.address, "abcdefghij", canaries) for number in range(users)
            ]
            try:
                await log_in(here, login, "abcdefghij", canaries)
                for user in here:
                    await user.ask(plan.steps[0])
                return canaries.crossed
            finally:
                for user in here:
                    await user.session.close()

        return asyncio.run(all_of_them())

    return visited


class TestByForm:
    @pytest.fixture
    def shop(self, site):
        def login(handler, body):
            if handler.command == "GET":
                site.plain(handler, PAGE.encode(), Set_Cookie="csrftoken=own; Path=/")
                return
            sent = {name: value[0] for name, value in parse_qs(body.decode()).items()}
            right = (
                sent["password"] == "right"
                and sent["csrfmiddlewaretoken"] == "MaskedToken"
                and "csrftoken=own" in handler.headers["Cookie"]
                and handler.headers["Referer"].endswith("/login/")
            )
            if right:
                key = f"{sent['username']}k1q9vn2m4p7r5t3w6y8b1c0d2f4"
                site.plain(handler, b"", 302, Location="/", Set_Cookie=f"sessionid={key}; Path=/")
            else:
                site.plain(handler, PAGE.encode())

        site.on("/login/", login)
        site.on("/page/", lambda handler, _: site.plain(handler))
        return site

    def test_each_user_has_a_session(self, shop, logged_in):
        crossed = logged_in(Login("/login/"), [Account("anna", "right"), Account("bert", "right")])
        cookies = [headers["Cookie"] for _, path, headers, _ in shop.seen if path == "/page/"]
        assert ["anna" in cookie for cookie in cookies] == [True, False]
        assert ["bert" in cookie for cookie in cookies] == [False, True]
        assert crossed == []

    def test_a_session_that_others_get_to_see_is_a_leak(self, shop, logged_in):
        shop.on(
            "/page/", lambda handler, _: shop.plain(handler, b"annak1q9vn2m4p7r5t3w6y8b1c0d2f4")
        )
        crossed = logged_in(Login("/login/"), [Account("anna", "right"), Account("bert", "right")])
        assert [one.marker_kind for one in crossed] == ["login"]

    def test_a_wrong_password_is_said_without_saying_it(self, shop, logged_in):
        with pytest.raises(PlanError, match="/login/ does not let 'anna' in") as failure:
            logged_in(Login("/login/"), [Account("anna", "wr0ng-secret")])
        assert "wr0ng-secret" not in str(failure.value)

    def test_a_page_without_such_a_form_is_said(self, shop, logged_in):
        shop.on("/other/", lambda handler, _: shop.plain(handler, b"<form></form>"))
        with pytest.raises(PlanError, match="has no form with a name and a password"):
            logged_in(Login("/other/"), [Account("anna", "right")])


JWT = ".".join(base64.urlsafe_b64encode(b"0123456789abcdef" * 2).decode() for _ in range(3))


@pytest.mark.parametrize(
    ("answer", "header", "sent"),
    [
        ({"token": "abc"}, "", "Token abc"),
        ({"access": JWT, "refresh": "no"}, "", f"Bearer {JWT}"),
        ({"access_token": "abc"}, "", "Bearer abc"),
        ({"data": {"key": "abc"}}, "Authorization: Key {token}", "Key abc"),
    ],
    ids=["DRF", "JWT", "OAuth", "own"],
)
def test_a_token_is_sent_from_then_on(site, logged_in, answer, header, sent):
    def login(handler, body):
        assert json.loads(body) == {"username": "anna", "password": "right"}
        site.plain(handler, json.dumps(answer).encode())

    site.on("/token/", login)
    site.on("/page/", lambda handler, _: site.plain(handler))
    logged_in(Login("/token/", "token", header), [Account("anna", "right")], users=1)
    assert site.seen[-1][2]["Authorization"] == sent


def test_no_token_is_said(site, logged_in):
    site.on("/token/", lambda handler, _: site.plain(handler, b'{"detail": "no"}', 401))
    with pytest.raises(PlanError, match=r"gives 'anna' no token \(status 401\)"):
        logged_in(Login("/token/", "token"), [Account("anna", "right")], users=1)
