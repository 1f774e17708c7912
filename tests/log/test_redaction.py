"""What must not be stored: each secret in each shape, and whatever Hypothesis thinks of."""

import base64
import json
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.log.bodies import body_text
from holdfast.log.json_bodies import redacted_json
from holdfast.log.redaction import HIDDEN, Redaction
from tests.log.driving import event_of, reads_all
from tests.log.fuzzing import examples

redaction = Redaction()

SECRET = "hunter2-Correct-Horse"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"
CARD = "4111111111111111"

NAMES = [
    *("password", "Password", "PASSWORD", "passwd", "user[password]", "new_password1", "pwd"),
    *("userPassword", "pass", "api_key", "apiKey", "X-Api-Key", "access_token", "refreshToken"),
    *("client_secret", "clientSecret", "authorization", "sessionid", "csrfmiddlewaretoken", "pin"),
    *("card_number", "cardNumber", "card[number]", "cvv", "cvc2", "otp", "private_key", "key"),
    *("\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44", "pass\u200bword", "p.a.s.s.w.o.r.d"),
    *("passwort", "Paßwort", "userpwd", "contraseña", "contrasen\u0303a", "mot_de_passe"),
    # Letters of other scripts: Cyrillic, Greek.
    *("p\u0430ssword", "\u0420ASSWORD", "t\u03bfken", "\u0455\u0435cret", "\u0440in", "\u0442oken"),
]
TOKENS = [
    *(
        JWT,
        JWT[:30],
        f"Bearer {SECRET}",
        "Basic YWxpY2U6aHVudGVyMg==",
        "sk_live_4eC39HqLyjWDarjtT1",
    ),
    *("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "AKIAIOSFODNN7EXAMPLE", "xoxb-17653672481-198"),
    *("AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY", "glpat-abcdefghij0123456789"),
    *("c3p5x1-6a1fd6a1fd6a1fd6a1fd6a1fd6a1fd6a", f"postgres://bob:{SECRET}@db/shop"),
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA",
]
CARDS = [
    *(CARD, "4111 1111 1111 1111", "4111-1111-1111-1111", "4111.1111.1111.1111", "378282246310005"),
    *("5555555555554444", "6011 1111 1111 1117", "4111\u00a01111\u00a01111\u00a01111"),
    "".join(chr(0xFF10 + int(digit)) for digit in CARD),
    "4111\u200b1111\u200b1111\u200b1111",
    *(
        "4111\t1111\t1111\t1111",
        "4111 \u2013 1111 \u2013 1111 \u2013 1111",
        "(4111) 1111 1111 1111",
    ),
]
# What may stand beside a card without a letter between.
BESIDE_CARDS = [
    *(
        "/0/{}/",
        "0-{}",
        "1 {}",
        "{} 1",
        "9.{}",
        "0%20{}",
        "2026-11-21 {}",
        "{} 12/27 123",
        "77, {}, 88",
    ),
    *("5 5 5 5 {}", "{0} {0}", "4 {} 4", "0000-{}-0000", "10.0.0.1, {}", "000000000000 {}", "{}.0"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_telling_name_hides_its_value_everywhere(name: str):
    assert redaction.is_secret(name)
    assert SECRET not in redaction.query(urlencode({name: SECRET, "page": "2"}))
    assert "page=2" in redaction.query(urlencode({name: SECRET, "page": "2"}))
    for value in (SECRET, {"deep": [SECRET]}, [SECRET, {"x": SECRET}]):
        shown = redacted_json(json.dumps({"a": {name: value}, "b": "seen"}), redaction)
        assert shown is not None
        assert SECRET not in shown
        assert "seen" in shown
        assert SECRET not in json.dumps(redaction.value(name, value))


@pytest.mark.parametrize("name", ["page", "author", "monkey", "title", "q", "user_id", "passenger"])
def test_other_names_hide_nothing(name: str):
    assert not redaction.is_secret(name)
    assert redaction.query(f"{name}=blue+moon") == f"{name}=blue+moon"


@pytest.mark.parametrize("token", TOKENS + CARDS)
def test_a_token_is_hidden_wherever_it_stands(token: str):
    needle = SECRET if SECRET in token else token[8:]
    for shown in (
        redaction.text(f"see {token} there"),
        redaction.query(f"q={quote_plus(token)}&x=1"),
        redaction.query(f"q={quote(quote(token))}"),
        redaction.query(f"{quote_plus(token)}=1"),
        redacted_json(json.dumps({"note": f"a {token} b", token: 1, "l": [token]}), redaction),
        redacted_json(json.dumps({"note": json.dumps({"n": token})}), redaction),
    ):
        assert shown is not None
        assert needle not in shown, shown
        assert HIDDEN in shown


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("beside", BESIDE_CARDS)
def test_a_card_is_hidden_also_beside_other_numbers(beside: str, card: str):
    text = beside.format(card)
    last = card[-4:]
    for shown in (
        redaction.text(text),
        redaction.query(f"q={quote_plus(text)}"),
        redacted_json(json.dumps({"n": text}), redaction),
        str(redaction.value("n", text)),
    ):
        assert shown is not None
        assert card not in shown
        assert last not in shown, shown
        assert HIDDEN in shown


def test_what_stands_beside_a_card_is_seen():
    assert redaction.text(f"/2026/11/21/{CARD}/") == f"/2026/11/21/{HIDDEN}/"
    assert redaction.text(f"1 {CARD} 2 4111-1111-1111-1111 3") == f"1 {HIDDEN} 2 {HIDDEN} 3"


def test_of_two_numbers_that_overlap_both_are_hidden():
    first, second = "4423 1885 0655 4165", "4165 3926 9614 6897"
    assert redaction.text(first) == redaction.text(second) == HIDDEN
    shown = redaction.text(f"see {first} {second.removeprefix('4165 ')} there")
    assert not set("0123456789") & set(shown)


@pytest.mark.parametrize("number", ["1732170000000", "12345678901234567", "4111111111111112", "42"])
def test_numbers_that_are_no_cards_are_seen(number: str):
    assert redaction.text(f"order {number}") == f"order {number}"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2026-11-21 08:48:25.123456",
            "2026-11-21 08:48:25, 2026-11-21 08:48:26",
            "10.0.0.1, 10.0.0.2",
        ),
        *("/2026/11/21/1234567/", "Chrome/120.0.6099.109 Safari/537.36", "+49 170 1234567"),
        "ids=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
    ],
)
def test_dates_addresses_and_lists_of_numbers_are_seen(text: str):
    assert redaction.text(text) == text


def test_what_was_cut_off_within_a_secret_is_hidden_too():
    whole = json.dumps({"page": 1, "password": SECRET, "token": {"a": SECRET}})
    for size in range(len(whole)):
        shown = redacted_json(whole[:size], redaction)
        assert shown is None or "hunter" not in shown
    form = f"page=1&password={SECRET}&q={CARD}"
    for size in range(len(form)):
        assert "hunter" not in redaction.query(form[:size])


def test_what_says_that_it_is_json_and_is_not_is_hidden_whole():
    for text in (
        "{password: hunter2}",
        "{'password': 'hunter2'}",
        '{"password" "hunter2"}',
        '{"password":, "hunter2"}',
        '{"a": 1} hunter2',
        '["a": "hunter2"]',
        "hunter2",
    ):
        body = text.encode()
        shown = body_text(body, "application/json", "", redaction, len(body))
        assert "hunter2" not in shown


def test_nesting_without_end_costs_no_recursion():
    deep = '{"a":' * 900 + '{"password":"hunter2"}' + "}" * 900
    shown = redacted_json(deep, redaction)
    assert shown is not None
    assert "hunter2" not in shown
    assert redacted_json("[" * 100_000, redaction) is None


def multipart(*parts: tuple[str, bytes]) -> bytes:
    return b"".join(
        b"--XX\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + body + b"\r\n"
        for head, body in parts
    )


def test_multipart_bodies_show_fields_and_no_files():
    body = multipart(
        ('name="title"', b"hello"),
        ('name="password"', SECRET.encode()),
        ('name="photo"; filename="a.png"\r\nContent-Type: image/png', b"PNG" + SECRET.encode()),
        ("name=\"cv\"; filename*=UTF-8''a.txt", SECRET.encode()),
        ('name="meta"\r\nContent-Type: application/octet-stream', SECRET.encode()),
    )
    shown = body_text(body, "multipart/form-data; boundary=XX", "", redaction, len(body))
    assert shown == "title=hello&password=***&photo=<file>&cv=<file>&meta=<file>"
    for size in range(len(body)):
        cut = body_text(body[:size], "multipart/form-data; boundary=XX", "", redaction, len(body))
        assert "hunter" not in cut


@pytest.mark.parametrize("name", ["*=a; name*0=b", "*=utf-8''password", "*0=pass; name*1=word"])
def test_a_field_whose_name_nobody_understands_is_hidden(name: str):
    body = multipart((f"name{name}", b"hunter2"), ('name="title"', b"hello")) + b"--XX--"
    shown = body_text(body, "multipart/form-data; boundary=XX", "", redaction, len(body))
    assert "hunter2" not in shown
    assert shown.endswith("=***&title=hello")


def test_a_type_whose_parameters_nobody_understands_is_not_read():
    twice = "; charset*=a; charset*0=b; boundary*=XX; boundary*0=YY"
    shown = body_text(b'{"a":1}', f"application/json{twice}", "", redaction, 7)
    assert shown == "<7 bytes in an unknown charset>"
    shown = body_text(b"--XX", f"multipart/form-data{twice}", "", redaction, 4)
    assert shown == "<4 bytes without a boundary>"


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_bodies_in_other_encodings_hide_as_much(charset: str):
    body = json.dumps({"password": SECRET, "page": 1}).encode(charset)
    for kind in ("application/json", f"application/json; charset={charset}"):
        shown = body_text(body, kind, "", redaction, len(body))
        assert "hunter" not in shown.replace("\0", "")


@pytest.mark.parametrize("charset", ["zip", "utf-7", "rot13", "base64", "idna", "unicode_escape"])
def test_a_charset_of_the_clients_choice_runs_no_codec(charset: str):
    shown = body_text(b"abc", f"text/plain; charset={charset}", "", redaction, 3)
    assert shown == "<3 bytes in an unknown charset>"


def test_own_names_and_patterns_are_hidden():
    own = Redaction(["customer number"], [r"ACME-\d+"])
    assert own.query("customerNumber=7&x=ACME-12") == "customerNumber=***&x=***"


def test_identity_and_state_are_hidden_by_the_same_rules():
    found = redaction.value("who", {"token": SECRET, "cards": [CARD, int(CARD)], "name": "Ann"})
    assert found == {"token": HIDDEN, "cards": [HIDDEN, HIDDEN], "name": "Ann"}


shapes: Any = st.recursive(
    st.sampled_from([SECRET, "fine", 1, None, True]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@examples(150)
@given(
    name=st.sampled_from(NAMES),
    value=shapes,
    around=st.dictionaries(st.text(max_size=10), st.integers() | st.text(max_size=10), max_size=3),
    cut=st.integers(0, 400),
    indent=st.sampled_from([None, 2]),
    ascii_only=st.booleans(),
)
def test_no_shape_of_json_lets_a_secret_through(  # noqa: PLR0913
    *, name: str, value: Any, around: Any, cut: int, indent: int | None, ascii_only: bool
):
    text = json.dumps({**around, name: value}, indent=indent, ensure_ascii=ascii_only)
    for part in (text, text[:cut]):
        body = part.encode("utf-8", "replace")
        shown = body_text(body, "application/json", "", redaction, len(text) + 1)
        assert "hunter" not in shown


@examples(100)
@given(
    body=st.binary(max_size=200),
    kind=st.sampled_from(
        [
            *("application/json", "application/x-www-form-urlencoded", "text/plain", ""),
            *(
                "multipart/form-data; boundary=XX",
                "multipart/form-data",
                "text/plain; charset=\xe9",
            ),
            *('text/plain; charset="', "multipart/form-data; boundary=\xff", "a;" * 400),
        ]
    ),
    before=st.sampled_from([b"", b"password=", b'{"password": "', b"--XX\r\n", b"\xff\xfe"]),
)
def test_no_body_raises(body: bytes, kind: str, before: bytes):
    body_text(before + body, kind, "", redaction, 500)


@examples(60)
@example(path="0", query="", agent="0", forwarded="", given_id="", secret=CARD)
@given(
    path=st.text(max_size=60),
    query=st.text(max_size=60),
    agent=st.text(max_size=60),
    forwarded=st.text(max_size=60),
    given_id=st.text(max_size=60),
    secret=st.sampled_from([*TOKENS, *CARDS]),
)
def test_no_request_raises_or_leaks(  # noqa: PLR0913, PLR0917
    path: str, query: str, agent: str, forwarded: str, given_id: str, secret: str
):
    event = event_of(
        reads_all,
        f"password={SECRET}&n={secret}".encode("utf-8", "replace"),
        proxies=["127.0.0.0/8"],
        body=500,
        headers=["user-agent", "authorization", "cookie"],
        PATH_INFO=wsgi(f"/{path}/{secret}/"),
        QUERY_STRING=wsgi(f"{query}&token={SECRET}&x={quote_plus(secret)}"),
        HTTP_USER_AGENT=wsgi(f"{agent} {secret}"),
        HTTP_AUTHORIZATION=f"Bearer {SECRET}",
        HTTP_COOKIE=f"sessionid={SECRET}",
        HTTP_X_FORWARDED_FOR=wsgi(forwarded),
        HTTP_X_REQUEST_ID=wsgi(given_id),
        CONTENT_TYPE="application/x-www-form-urlencoded",
    )
    text = json.dumps(event, ensure_ascii=False)
    assert SECRET not in text
    assert secret not in text


def wsgi(text: str) -> str:
    """As a server hands it on."""
    return text.encode("utf-8", "replace").decode("latin-1")


def test_headers_that_are_secrets_are_hidden_though_they_are_asked_for():
    event = event_of(headers=["authorization", "x-shop"], HTTP_AUTHORIZATION=JWT, HTTP_X_SHOP=JWT)
    assert event["headers"] == {"authorization": HIDDEN, "x-shop": HIDDEN}


def test_encoded_bodies_are_not_looked_into():
    body = base64.b64encode(SECRET.encode())
    assert body_text(body, "text/plain", "gzip", redaction, 9) == "<9 bytes, encoded>"
