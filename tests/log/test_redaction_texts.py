"""Names with their values in texts of any kind: URLs in headers, in values, in plain text."""

import json
import math
import time
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

import holdfast
from holdfast.log.bodies import body_text
from holdfast.log.formats import as_json
from holdfast.log.redaction import HIDDEN, Redaction
from holdfast.wsgi import RequestLog
from tests.log.driving import Events, ask, event_of, hello
from tests.log.fuzzing import examples
from tests.log.test_redaction import NAMES, SECRET

redaction = Redaction(["customer_number"])

IN_QUERIES = [
    *(
        *NAMES,
        "code",
        "sig",
        "auth",
        "jwt",
        "password[]",
        "password1",
        "secret_key",
    ),
    *("x-api-key", "customer_number", "customerNumber"),
]
IN_TEXTS = ["password", "password1", "Secret-Key", "customer_number", "user.password", "pwd", "cvv"]


def shown_everywhere(text: str) -> list[str]:
    """*text* in each place that it may have in an event."""
    body = text.encode()
    as_value = redaction.value("note", {"a": [text]})
    found = [
        redaction.text(text),
        redaction.query(f"next={quote_plus(text)}&x=1"),
        redaction.query(f"next={quote(quote(text, safe=''))}"),
        body_text(body, "text/plain", "", redaction, len(body)),
        body_text(json.dumps({"a": text}).encode(), "application/json", "", redaction, 1),
        json.dumps(as_value, ensure_ascii=False),
    ]
    assert all(HIDDEN in each for each in found), found
    return found


@pytest.mark.parametrize("name", IN_QUERIES)
@pytest.mark.parametrize(
    "url",
    [
        *("https://shop.example/cb?{}={}&state=1", "/cb?state=1&{}={}", "see /cb?{}={} there"),
        *("/?next=%2Fcb%3F{}%3D{}", "/?next=%252Fcb%253Fa%253D1%2526{}%253D{}%2526x%253D2"),
        '"/#{}={}"',
    ],
)
def test_a_url_hides_what_its_query_hides(name: str, url: str):
    plain = quote(name, safe="")
    encoded = plain.replace("s", "%73").replace("o", "%6F")
    for written in (name, plain, encoded):
        for shown in shown_everywhere(url.format(written, SECRET)):
            assert SECRET not in shown, shown


@pytest.mark.parametrize("name", IN_TEXTS)
@pytest.mark.parametrize(
    "text", ["{}: {}", "a {}={} b", "{} => {}", "'{}': '{}'", '\\"{}\\":\\"{}']
)
def test_a_telling_name_hides_its_value_in_any_text(name: str, text: str):
    for shown in shown_everywhere(text.format(name, SECRET)):
        assert SECRET not in shown, shown


def test_a_container_within_a_text_is_hidden_with_its_name():
    assert SECRET not in redaction.text(f"{{'password': {{'now': {SECRET!r}}}, 'x': 1}}")


def test_what_stands_beside_a_value_is_seen():
    assert (
        redaction.text("https://x/cb?a=1&code=7x7&state=2") == "https://x/cb?a=1&code=***&state=2"
    )
    assert redaction.text("password: 77777, page: 2") == "password: ***, page: 2"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "https://shop.example:8080/?page=2&q=tea",
            "https://token.example.com:8080/a",
            "12:30:45",
        ),
        *(
            "Mozilla/5.0 (X11; rv:109.0) Gecko/20100101",
            "code: 404, key: 7",
            "100%",
            "a=b==",
            "::1",
        ),
        *("/files/a%20b%2Fc", "attachment; filename=a.txt", "max-age=0", "?=&=;:=:"),
    ],
)
def test_texts_that_name_no_secret_are_seen(text: str):
    assert redaction.text(text) == text


@examples(150)
@given(
    before=st.text(max_size=20) | st.text(alphabet="%25=:&?'\"\\[]{ a", max_size=20),
    name=st.sampled_from(IN_QUERIES),
    times=st.integers(0, 3),
    after=st.text(alphabet="&?=:%;,'\" a1", max_size=20),
)
def test_no_text_around_it_lets_a_query_through(before: str, name: str, times: int, after: str):
    pair = f"?{name}={SECRET}"
    for _ in range(times):
        pair = quote(pair, safe="")
    assert SECRET not in redaction.text(f"{before}{pair}{after}")


@pytest.mark.parametrize(
    "part",
    [
        *("a=", "a:", "%25", "%2522", "a%41", "%2526", 'a"', "a\\", "a ", "?a=", "p.", "é=", "["),
        *("password", "password ", "token='", "%2520a%253D", "4 "),
    ],
)
def test_a_text_costs_no_more_than_its_length(part: str):
    def cost(size: int) -> float:
        text = part * (size // len(part))
        taken = []
        for _ in range(3):
            fresh = Redaction()
            began = time.process_time()
            fresh.text(text)
            fresh.query(text)
            taken.append(time.process_time() - began)
        return min(taken)

    # 16 times the length: 256 times the cost, if any of it were looked at again and again.
    assert cost(64_000) < 100 * max(cost(4_000), 0.0002)


# JSON


@pytest.mark.parametrize("blank", [" ", "\n", "\ufeff", "\u00a0", " \ufeff\n", "\0"])
def test_json_is_json_also_after_blanks(blank: str):
    text = f'{blank}{{"pin": "12345"}}'
    body = text.encode()
    for shown in (
        redaction.query(f"q={quote(text)}"),
        redaction.query(f"q={quote(quote(text))}"),
        body_text(body, "text/plain; charset=utf-8", "", redaction, len(body)),
        body_text(json.dumps([text]).encode(), "application/json", "", redaction, 1),
    ):
        assert "12345" not in shown
        assert HIDDEN in shown


# Values of the application's own


def test_what_lies_deeper_than_names_are_looked_at_is_hidden():
    value: Any = {"password": {"now": SECRET}}
    for depth in range(8):
        assert SECRET not in str(redaction.value("x", value))
        event = event_of(identify=lambda environ, value=value: {"x": value})
        assert SECRET not in as_json(event), depth
        value = [value] if depth % 2 else {"a": value}


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_has_not_are_texts(number: float):
    def application(environ: Any, start_response: Any) -> Any:
        holdfast.state.rate = number
        return hello(environ, start_response)

    events = Events()
    logged = RequestLog(
        application, output=events, state=["rate"], identify=lambda environ: {"rate": [number]}
    )
    ask(logged)
    read = json.loads(as_json(events.one()), parse_constant=pytest.fail)
    assert read["state"] == {"rate": str(number)}
    assert read["who"] == {"rate": [str(number)]}


def test_a_referer_is_hidden_as_a_query_is():
    sent = {"HTTP_REFERER": f"https://shop.example/cb?code={SECRET}&page=2"}
    event = event_of(headers=["referer"], **sent)
    assert event["headers"] == {"referer": "https://shop.example/cb?code=***&page=2"}
