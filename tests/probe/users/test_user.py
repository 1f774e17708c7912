"""What users send, and what they make of what comes."""

import gzip
import json
import socket
import threading
import time
from itertools import pairwise

import pytest

from holdfast.probe import markers
from holdfast.probe.events import HEADER
from holdfast.probe.users.plan import Account, Plan, Step
from holdfast.probe.users.user import CANARY


def test_users_ask_at_the_same_time(site, visit):
    users = 20
    together = threading.Barrier(users)

    def answer(handler, _):
        together.wait(30)  # Nobody is answered before all are there.
        site.plain(handler)

    site.on("/", answer)
    asked, crossed = visit(Plan([Step("/")], users=users))
    assert [one.status for one in asked] == [200] * users
    assert sorted(one.user for one in asked) == list(range(users))
    sent = [one.sent for one in asked]
    assert max(sent) < min(one.done for one in asked)
    assert max(sent) - min(sent) < 3
    assert all(one.sent < one.first_byte <= one.done for one in asked)
    assert crossed == []


def test_each_request_says_whose_it_is(site, visit):
    site.on("/", lambda handler, _: site.plain(handler))
    asked, _ = visit(Plan([Step("/")], users=2, requests=2), more=True)
    assert {one.request for one in asked} == {headers[HEADER] for _, _, headers, _ in site.seen}
    for _, path, headers, _ in site.seen:
        user = f"{int(markers.user_of(headers[HEADER])):04d}"
        assert headers[CANARY].startswith(f"hfabcdefghijh{user}")
        assert headers[CANARY] in headers["User-Agent"]
        assert f"hfabcdefghijc{user}" in headers["Cookie"]
        assert f"hfabcdefghijq{user}" in path


def test_what_is_measured_asks_for_the_path_as_it_was_typed(site, visit):
    """A marker in the query or a cookie would pass by the site's caches."""
    site.on("/x/", lambda handler, _: site.plain(handler))
    visit(Plan([Step("/x/?a=%2Fb&c=d+e")], users=1))
    ((_, path, headers, _),) = site.seen
    assert path == "/x/?a=%2Fb&c=d+e"
    assert "Cookie" not in headers


def test_markers_go_where_the_plan_has_them(site, visit):
    site.on("/x/", lambda handler, _: site.plain(handler))
    step = Step("/x/?q={marker}", "POST", body='{"text": "{marker}"}', headers={"X-A": "{name}"})
    visit(Plan([step], users=1, accounts=[Account("anna", "x")]))
    ((_, path, headers, body),) = site.seen
    assert "hfabcdefghijq0000" in path
    assert json.loads(body)["text"].startswith("hfabcdefghijb0000")
    assert headers["Content-Type"] == "application/json"
    assert headers["X-A"] == "anna"


def test_the_plan_may_say_what_type_a_body_has(site, visit):
    site.on("/x/", lambda handler, _: site.plain(handler))
    step = Step("/x/", "POST", body="a=1", headers={"content-type": "text/csv"})
    visit(Plan([step], users=1))
    ((_, _, headers, _),) = site.seen
    assert [value for name, value in headers.items() if name.lower() == "content-type"] == [
        "text/csv"
    ]


def test_what_crosses_between_users_is_told_with_both_requests(site, visit):
    last = ["nobody"]

    def answer(handler, _):
        before, last[0] = last[0], handler.headers[CANARY]
        site.plain(handler, f"hello {before}".encode())

    site.on("/", answer)
    _, crossed = visit(Plan([Step("/")], users=3))
    assert len(crossed) == 2
    assert all(markers.user_of(one.owner) != markers.user_of(one.seer) for one in crossed)


def test_compressed_answers_are_read(site, visit):
    other = markers.marker("abcdefghij", "query", 5, 0)
    site.on(
        "/",
        lambda handler, _: site.plain(
            handler, gzip.compress(other.encode()), Content_Encoding="gzip"
        ),
    )
    (asked,), crossed = visit(Plan([Step("/")], users=1))
    assert asked.status == 200
    assert [one.marker_kind for one in crossed] == ["query"]


def test_each_user_has_cookies_of_its_own_also_secure_ones(site, visit):
    """Browsers send those over http, too, to one's own machine."""

    def answer(handler, _):
        key = handler.headers[CANARY]
        site.plain(handler, Set_Cookie=f"kept={key}; Path=/; Secure; HttpOnly")

    site.on("/", answer)
    _, crossed = visit(Plan([Step("/")], users=3, requests=2))
    second = [headers for _, _, headers, _ in site.seen if "Cookie" in headers]
    assert len(second) == 3
    assert all(headers["Cookie"][5:22] == headers[CANARY][:17] for headers in second)
    assert crossed == []


def test_pauses_are_kept_and_the_last_request_begins_in_time(site, visit):
    site.on("/", lambda handler, _: site.plain(handler))
    begun = time.monotonic()
    asked, _ = visit(Plan([Step("/")], users=2, requests=50, think=(0.2, 0.2), seconds=0.7))
    assert time.monotonic() - begun < 10
    for user in (0, 1):
        own = [one for one in asked if one.user == user]
        assert 2 <= len(own) <= 5
        pauses = [later.sent - one.done for one, later in pairwise(own)]
        assert min(pauses) >= 0.19


def test_redirects_are_answers(site, visit):
    site.on("/", lambda handler, _: site.plain(handler, b"", 302, Location="/elsewhere/"))
    (asked,), _ = visit(Plan([Step("/")], users=1))
    assert asked.status == 302
    assert len(site.seen) == 1


def test_an_event_stream_is_answered_with_its_first_event(site, visit):
    left = threading.Event()

    def answer(handler, _):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"data: x\n\n")
                time.sleep(0.01)
        except OSError:
            left.set()
        handler.close_connection = True

    site.on("/", answer)
    (asked,), _ = visit(Plan([Step("/")], users=1))
    assert (asked.status, asked.error) == (200, "")
    assert left.wait(30)


def silent(handler, _):
    time.sleep(2)
    handler.close_connection = True


def without_end(handler, _):
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(100):
            handler.wfile.write(b"x")
            time.sleep(0.03)
    except OSError:
        pass
    handler.close_connection = True


def broken_off(handler, _):
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"half")
    handler.close_connection = True


def closed(handler, _):
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def gibberish(handler, _):
    handler.wfile.write(b"+OK hello\r\n\r\n")
    handler.close_connection = True


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (silent, 0, "no answer within 0.5 s"),
        (without_end, 200, "the answer did not end within 0.5 s"),
        (broken_off, 200, "the answer broke off"),
        (closed, 0, "the connection was closed without an answer"),
        (gibberish, 0, "no HTTP answer"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_no_answer_is_said(site, visit, answer, status, error):
    site.on("/", answer)
    (asked,), _ = visit(Plan([Step("/")], users=1, timeout=0.5))
    assert asked.status == status
    assert asked.error.startswith(error)


def test_the_token_of_djangos_forms_is_sent_back(site, visit):
    form = b'<form><input type="hidden" name="csrfmiddlewaretoken" value="MaskedToken123"></form>'

    def answer(handler, _):
        site.plain(handler, form, Set_Cookie="csrftoken=secret; Path=/")

    site.on("/", answer)
    visit(Plan([Step("/", "POST", body="a=b")], users=1), prepare=True)
    got, posted = site.seen
    assert got[0] == "GET"
    assert posted[2]["X-CSRFToken"] == "MaskedToken123"
    assert "csrftoken=secret" in posted[2]["Cookie"]
    assert posted[2]["Content-Type"] == "application/x-www-form-urlencoded"
