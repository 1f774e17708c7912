"""What counts as another's, and what never does."""

import base64
import html
import json
import random
from urllib.parse import quote

import pytest

from holdfast.probe import markers
from holdfast.probe.users.canaries import Canaries

RUN = "abcdefghij"


def of(user: int, kind: str = "header", number: int = 0) -> str:
    return markers.marker(RUN, kind, user, number)


def request(user: int, number: int = 0) -> str:
    return markers.request_of(RUN, user, number)


@pytest.fixture
def canaries():
    return Canaries(RUN, lambda user: user)


def read(canaries, seer, *chunks, status=200, headers=(), cookies=(), step="/x/"):  # noqa: PLR0913
    reader = canaries.reader(seer, step)
    reader.headers(headers, cookies)
    for chunk in chunks:
        reader.body(chunk if isinstance(chunk, bytes) else chunk.encode())
    reader.end(status)
    return canaries.crossed


def shifted(text: str, by: int) -> str:
    return base64.b64encode(b"x" * by + text.encode()).decode()


SPELLINGS = {
    "plain": str,
    "capitals": str.upper,
    "title": str.title,
    "HTML": html.escape,
    "URL": quote,
    "JSON": json.dumps,
    "Python": repr,
    "base64": lambda text: shifted(text, 0),
    "base64, from the second byte on": lambda text: shifted(text, 1),
    "base64, from the third byte on": lambda text: shifted(text, 2),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(f'"{text}?>~"'.encode()).decode(),
    "a session in a cookie": lambda text: f"session={shifted(text, 5)}.signed",
}


@pytest.mark.parametrize("shown", SPELLINGS.values(), ids=SPELLINGS)
def test_anothers_marker_is_found_however_it_is_written(canaries, shown):
    (crossed,) = read(canaries, request(1), f"Hello {shown(of(0, number=7))}, how are you?")
    assert (crossed.owner, crossed.seer) == (request(0, 7), request(1))
    assert crossed.marker_kind == "header"
    assert crossed.where == "body of the answer"


@pytest.mark.parametrize("text", [of(0, "query"), shifted(of(0, "query"), 1)], ids=["", "base64"])
def test_a_marker_that_is_cut_in_two_is_found(text):
    whole = f"<p>{'.' * 500}{text}{'.' * 500}</p>"
    for place in range(495, 510 + len(text)):
        crossed = read(Canaries(RUN, lambda user: user), request(1), whole[:place], whole[place:])
        assert [one.marker_kind for one in crossed] == ["query"], place


def test_bytes_that_are_no_text_hide_nothing(canaries):
    noise = random.Random(1).randbytes(3000)
    assert read(canaries, request(1), noise + of(0).encode() + noise)


def test_a_header_of_the_answer_is_read_too(canaries):
    (crossed,) = read(canaries, request(1), headers=[("Location", f"/x/?q={of(0, 'query')}")])
    assert crossed.where == "header Location of the answer"


def test_ones_own_markers_are_ones_own(canaries):
    """Also from an earlier request: a cache of one's own, a kept form."""
    own = "".join(of(1, kind, number) for kind in markers.LETTERS for number in range(3))
    page = f"{own} {html.escape(own)} {shifted(own, 1)}"
    assert read(canaries, request(1, 5), page, headers=[("Location", own)]) == []


def test_users_of_one_account_are_one_person():
    canaries = Canaries(RUN, lambda user: "anna" if user < 2 else "bert")
    assert read(canaries, request(1), of(0)) == []
    assert read(canaries, request(2), of(0)) != []


def test_markers_of_another_run_are_nobodys(canaries):
    """A site that keeps what was asked yesterday shows it to all."""
    assert read(canaries, request(1), markers.marker("0123456789", "query", 0, 0)) == []


def test_a_developers_page_of_an_error_may_show_the_insides(canaries):
    page = f"<h1>KeyError</h1> {of(0)} because you have <code>DEBUG = True</code> in your settings"
    assert read(canaries, request(1), page, status=500) == []
    assert read(canaries, request(1), page) != []
    assert read(Canaries(RUN, lambda user: user), request(1), of(0), status=500) != []


class TestWhatWasPosted:
    """May be shown to all on purpose: a guest book, a list of orders."""

    def asked_by_both(self, canaries, page, *, seers_step="POST /x/"):
        read(canaries, request(0), "", step="POST /x/")
        return read(canaries, request(1), page, step=seers_step)

    def test_it_may_stand_in_a_list(self, canaries):
        page = f"{of(0, 'body')} {of(1, 'body')}"
        assert self.asked_by_both(canaries, page) == []

    def test_it_may_be_seen_elsewhere(self, canaries):
        assert self.asked_by_both(canaries, of(0, "body"), seers_step="GET /list/") == []

    def test_but_not_in_place_of_ones_own(self, canaries):
        (crossed,) = self.asked_by_both(canaries, f"You said: {of(0, 'body')}")
        assert crossed.marker_kind == "body"


class TestSessions:
    KEY = "zx81kq9vn2m4p7r5t3w6y8b1c0d2f4g6"

    def test_a_session_is_handed_to_one_only(self, canaries):
        assert read(canaries, request(0), cookies=[("sessionid", self.KEY)]) == []
        (crossed,) = read(canaries, request(1), cookies=[("sessionid", self.KEY)])
        assert crossed.marker_kind == "login"
        assert self.KEY not in crossed.text

    def test_its_key_in_anothers_page_is_a_leak(self, canaries):
        read(canaries, request(0), cookies=[("sessionid", self.KEY)])
        (crossed,) = read(canaries, request(1), f"<!-- {self.KEY} -->")
        assert (crossed.marker_kind, crossed.owner) == ("login", request(0))
        assert self.KEY not in crossed.text

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("messages", "W10:1kq9vn2m4p7r5t3w6y8b1c0d2f4g6zx81"),  # equal for all, as signed
            ("sessionid", "eyJhIjoxfQ:1kq9vn:m4p7r5t3w6y8b1c0d2f4g6"),  # signed: of one second
            ("build", "d41d8cd98f00b204e9800998ecf8427e"),
            ("sessionid", "on"),
        ],
    )
    def test_cookies_that_all_may_have_are_nobodys(self, canaries, name, value):
        read(canaries, request(0), cookies=[(name, value)])
        assert read(canaries, request(1), value, cookies=[(name, value)]) == []

    def test_a_token_of_a_login_is_its_users(self, canaries):
        canaries.secret(request(0), f"abc.{self.KEY}.def")
        assert read(canaries, request(0), self.KEY) == []
        assert read(canaries, request(1), self.KEY) != []


class TestTheServersOutput:
    def test_a_line_that_mixes_two_requests_is_a_leak(self, canaries):
        canaries.read_log(f"GET /x/?q={of(0, 'query', 3)} by {of(1, 'header', 2)}\n")
        (crossed,) = canaries.crossed
        assert {crossed.owner, crossed.seer} == {request(0, 3), request(1, 2)}
        assert crossed.where == "the server's output"

    @pytest.mark.parametrize(
        "line",
        [
            f"GET /x/?q={of(0, 'query')} by {of(0, 'header')}",
            # A list of requests: slow ones, those of a batch.
            f"[{of(0, 'query')} {of(0)}, {of(1, 'query')} {of(1)}]",
            f"{of(0)} {of(1)} {of(2)}",
        ],
        ids=["one request", "two requests", "three"],
    )
    def test_other_lines_are_fine(self, canaries, line):
        canaries.read_log(line)
        assert canaries.crossed == []
