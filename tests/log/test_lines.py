"""A line is one line, whatever is in it; and it says the same however it was made."""

import json
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import holdfast
from holdfast.log import formats
from holdfast.log.entry import Entry
from holdfast.log.formats import as_in_out, as_json, as_line
from holdfast.log.least_event import least_event
from holdfast.log.recorder import Recorder, recorder_for
from holdfast.wsgi import RequestLog
from tests.log.driving import Events, ask, event_of, hello
from tests.log.fuzzing import examples
from tests.log.test_redaction import wsgi

FORGED = "time=2026-01-01T00:00:00.000Z event=out request_id=1 status=200"
HOSTILE = [
    *(f"x\n{FORGED}", f"x\r\n{FORGED}", f"x\u2028{FORGED}", f"x\x85{FORGED}", f"x\x0b{FORGED}"),
    *("\x1b[2J\x1b]0;owned\x07", "\x9b31m", "\x7f\x7f", "\u202etxt.exe", "a\x00b", "\ud800"),
    *('" status=200 outcome=complete x="', "\\", '\\"', "x status=500", "", " ", "=", "\U000e0041"),
]
FORMATS = list(formats.FORMATS.values())

pair = re.compile(r'([\w.-]+)=("(?:[^"\\]|\\.)*"|[^\s"=]*)(?: |$)')


def parsed(line: str) -> dict[str, str]:
    """What a reader of key=value lines finds."""
    found: dict[str, str] = {}
    at = 0
    while at < len(line):
        match = pair.match(line, at)
        assert match is not None, line[at:]
        assert match[1] not in found, line
        found[match[1]] = match[2]
        at = match.end()
    return found


def is_harmless(line: str) -> bool:
    return not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in line)


def event_with(text: str) -> dict[str, Any]:
    return event_of(
        headers=["user-agent", "x-shop"],
        identify=lambda request: {"customer": text, text: "1"},
        PATH_INFO=wsgi(f"/{text}"),
        QUERY_STRING=wsgi(text),
        REQUEST_METHOD=wsgi(text) or "GET",
        REMOTE_ADDR=wsgi(text),
        HTTP_USER_AGENT=wsgi(text),
        HTTP_X_SHOP=wsgi(text),
        HTTP_X_REQUEST_ID=wsgi(text),
        HTTP_TRACEPARENT=wsgi(text),
    )


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("form", FORMATS)
def test_nothing_forges_a_line_or_reaches_the_terminal(form: Any, text: str):
    line = form(event_with(text))
    assert len(line.splitlines()) == 1
    assert is_harmless(line)
    if form is as_line:
        found = parsed(line)
        assert found["event"] == "out"
        assert found["status"] == "200"
        assert found["outcome"] == "complete"


@examples(100)
@given(text=st.text(max_size=80))
def test_no_text_forges_a_line(text: str):
    event = event_with(text)
    for form in FORMATS:
        line = form(event)
        assert len(line.splitlines()) <= 1
        assert is_harmless(line)
    parsed(as_line(event))
    assert json.loads(as_json(event)) == event


texts = st.sampled_from(
    [*HOSTILE, "/", "GET", "Mozilla/5.0 (X11)", "4111 1111 1111 1111"]
) | st.text(max_size=30)


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    return recorder_for({"output": "file:/dev/null", "headers": ["user-agent", "cookie"]})


@examples(200)
@given(
    values=st.fixed_dictionaries(
        {
            "method": texts,
            "path": texts,
            "query": texts,
            "peer": texts,
            "route": texts,
            "route_name": texts,
            "view": texts,
            "headers": st.tuples(st.none() | texts, st.none() | texts),
            "status": st.integers(0, 599),
            "bytes_in": st.integers(0, 10**12),
            "bytes_out": st.integers(0, 10**12),
            "outcome": st.sampled_from(["complete", "client_gone"]),
            "first_byte_at": st.sampled_from([0.0, 5.0, 5.25]),
            "request_id": st.sampled_from(["a", "a=b", "0f"]),
            "trace_id": st.sampled_from(["", "a" * 32]),
            "span_id": st.just("b" * 16),
            "time": st.floats(0, 2e9),
        }
    )
)
def test_the_line_that_is_made_at_once_says_what_the_slow_one_says(
    recorder: Recorder, values: dict[str, Any]
):
    entry = Entry()
    vars(entry).update(values, began=4.5, ended_at=6.0)
    assert recorder._line is not None
    assert recorder._line.of(entry) == as_line(recorder.event(entry))


def test_every_format_knows_every_kind_of_event():
    events = Events()
    recorder = recorder_for({"output": events, "in": True})
    ask(RequestLog(hello, output=events, **{"in": True}))
    recorder.writer.dropped = 3
    holdfast.log.flush(20)
    entry = Entry()
    vars(entry).update(time=1.0, began=1.0, ended_at=2.0, request_id="a")
    events += [least_event(recorder, entry), least_event(recorder, entry.at_start())]
    assert [event["event"] for event in events] == ["in", "out", "dropped", "out", "in"]
    for form in FORMATS:
        for event in events:
            line = form(event)
            assert is_harmless(line)
            assert len(line.splitlines()) == 1
    assert re.fullmatch(r"DROPPED \[\d+\] \[\S+Z\] 3", as_in_out(events[2]))


def test_the_in_and_out_lines_have_the_places_that_parsers_know():
    event = event_of(
        identify=lambda request: {"customer": "acme"},
        body=100,
        PATH_INFO="/pay/",
        QUERY_STRING="a=1",
        HTTP_USER_AGENT="curl/8",
    )
    line = as_in_out(event)
    assert re.fullmatch(
        r"OUT \[\d+\] \[\S+Z\] \[127\.0\.0\.1\] \[curl/8\] \[customer=acme\] GET"
        r' "?/pay/\?a=1"? - \d+\.\d{6} 200 complete request_id=\w+',
        line,
    ), line
