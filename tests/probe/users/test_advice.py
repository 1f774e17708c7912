"""An answer that can't be used is told in one line, with what to change."""

import pytest

from holdfast.probe.run import Asked
from holdfast.probe.users.address import Address
from holdfast.probe.users.advice import not_right
from holdfast.probe.users.plan import Plan, SiteFailedError, Step
from holdfast.probe.users.user import Answer

HERE = Address("127.0.0.1", 8000)


def told(status, location="", *, path="/x/", url="", error="", first_byte=None):  # noqa: PLR0913
    asked = Asked("r-alone-0", -1, "GET", path, 0.0, 1.0, first_byte, status, 0, error)
    return not_right(Step(path), Answer(asked, location), Plan(url=url), HERE)


@pytest.mark.parametrize(
    ("status", "location", "said"),
    [
        (301, "https://127.0.0.1/x/", "SECURE_SSL_REDIRECT"),
        (302, "/accounts/login/?next=/x/", "add --login /accounts/login/ --account NAME:PASSWORD"),
        (302, "/elsewhere/?a=b", "ask for that: --path /elsewhere/?a=b."),
        (400, "", "may not know the host 127.0.0.1:8000 (ALLOWED_HOSTS)"),
        (401, "", "log in with --login PATH"),
        (403, "", "--header 'Authorization: ...'"),
        (404, "", "there is no such page"),
        (405, "", "say the method: --path 'POST /x/'"),
        (418, "", "GET /x/ is answered 418. To probe it anyway: --expect 418."),
        (429, "", "limits how much one may ask"),
        (500, "", "also when nobody else asks"),
        (503, "", "also when nobody else asks"),
    ],
)
def test_each_status_has_its_advice(status, location, said):
    error = told(status, location)
    assert said in str(error)
    assert "\n" not in str(error)
    assert f"--expect {status}" in str(error)
    # Only where the site itself fails, what the server printed is worth reading.
    assert isinstance(error, SiteFailedError) == (status >= 500)


def test_a_slash_that_lacks_is_put_behind():
    assert "ask for that: --path /x/." in str(told(301, "/x/", path="/x"))


def test_a_site_that_is_called_by_name_and_refuses_is_not_asked_for_its_name():
    assert "ALLOWED_HOSTS" not in str(told(400, url="http://shop.example"))


def test_what_is_no_answer_is_said():
    error = told(0, error="no answer within 30 s")
    assert (
        str(error) == "GET /x/, asked alone: no answer within 30 s. --timeout gives it more time."
    )
    error = told(200, error="the answer did not end within 30 s", first_byte=0.5)
    assert "If it streams for ever, leave it out." in str(error)
