"""Settings: what is misspelt is named, and where."""

import sys
from typing import Any

import pytest

import holdfast
from holdfast.asgi import RequestLog as AsgiRequestLog
from holdfast.configuration import ConfigurationError
from holdfast.log_settings import KEYS, LogSettings, validated_log
from holdfast.wsgi import RequestLog
from tests.fresh_process import output_of
from tests.log.driving import Events, ask, hello, reads_all


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (7, "HOLDFAST['LOG'] must be a dict such as"),
        ({"FORMT": "json"}, "has no key 'FORMT'. Did you mean 'FORMAT'?"),
        ({"FORMAT": "xml"}, "HOLDFAST['LOG']['FORMAT'] knows no 'xml'. Known: line, json, in_out."),
        ({"OUTPUT": "sdterr"}, "must be one of stderr, stdout, logging, structlog, 'file:/path'"),
        ({"OUTPUT": "file:relative"}, "must be one of"),
        ({"IN": 1}, "must be True or False, not 1."),
        ({"HEADERS": "user-agent"}, "must be a list such as ['user-agent']"),
        ({"HEADERS": ["user agent"]}, "must be the name of a header"),
        ({"PROXIES": -1}, "must be how many proxies"),
        ({"PROXIES": True}, "must be how many proxies"),
        ({"PROXIES": ["10.0.0.1/8"]}, "must be how many proxies"),
        ({"FORWARDED": "X-Real-IP"}, "knows no 'X-Real-IP'. Known: x-forwarded-for, forwarded."),
        ({"REQUEST_ID": "X Request"}, "must be the name of a header such as 'X-Request-ID'"),
        ({"TAKE_IDS": "sometimes"}, "knows no 'sometimes'"),
        ({"BODY": -1}, "must be a number of bytes from 0 to 1048576, not -1."),
        ({"BODY": 2_000_000}, "must be a number of bytes"),
        ({"REDACT_PATTERNS": ["("]}, "is no pattern"),
        ({"REDACT_PATTERNS": ["x*"]}, "matches an empty text"),
        ({"IDENTIFY": "who am I"}, "must be a function or its dotted path"),
        ({"IDENTIFY_TIMEOUT": 0}, "must be a number of seconds"),
        ({"STATE": ["user id"]}, "'user id' can't be a name in holdfast.state."),
        ({"SAMPLE": 2}, "'rate' must be a number from 0 to 1, not 2."),
        ({"SAMPLE": [{"rat": 1}]}, "has no key 'rat'. Did you mean 'rate'?"),
        ({"SAMPLE": [{"rate": 1, "status": "ok"}]}, "'status' must be such as 200 or '2xx'"),
        ({"SAMPLE": "all"}, "must be a share such as 0.1"),
        ({"LIMIT": 0}, "must be a number of lines a second"),
        ({"QUEUE": 0}, "must be a number of records"),
        ({"METRICS": ["statsd"]}, "knows no 'statsd'. Known: prometheus, opentelemetry."),
    ],
)
def test_what_makes_no_sense_is_named(given: Any, complaint: str):
    with pytest.raises(ConfigurationError) as raised:
        holdfast.configure({"LOG": given})
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_wrappers_say_where_it_was_given():
    with pytest.raises(ConfigurationError, match=r"takes no 'formt'\. Did you mean 'format'"):
        RequestLog(hello, formt="json")
    with pytest.raises(ConfigurationError, match=r"RequestLog\(\)\['FORMAT'\] knows no 'xml'"):
        RequestLog(hello, format="xml")
    with pytest.raises(ConfigurationError, match="takes no 'FORMAT'"):
        AsgiRequestLog(hello, FORMAT="json")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"identify": "shop.nowhere.identify"}, "there is no shop.nowhere.identify"),
        ({"identify": "tests.log.driving.nobody"}, "there is no tests.log.driving.nobody"),
        ({"identify": "tests.log.test_settings.NO_FUNCTION"}, "is no function, but 7"),
        ({"output": "shop.nowhere.write"}, "The request log goes to stderr."),
        ({"metrics": ["prometheus"]}, "Requests are not counted for prometheus"),
    ],
)
def test_what_a_setting_names_and_nobody_has_is_said_once_and_costs_no_request(
    given, said, caplog, capfd, monkeypatch
):
    monkeypatch.setitem(sys.modules, "holdfast.log.metrics.prometheus", None)  # not installed
    application = RequestLog(hello, **given)
    for _ in range(2):
        assert ask(application).body == b"hello"
    holdfast.log.flush(20)
    assert [said in record.getMessage() for record in caplog.records] == [True]
    assert capfd.readouterr().err.count("path=/ status=200") == 2


NO_FUNCTION = 7


def test_arguments_go_before_settings_and_settings_may_change():
    application = RequestLog(reads_all, output=(events := Events()), body=4)
    sent = {"CONTENT_TYPE": "text/plain", "HTTP_X_SHOP": "7"}
    try:
        holdfast.configure({"LOG": {"BODY": 0, "HEADERS": ["x-shop"]}})
        ask(application, b"hello", **sent)
        holdfast.configure({"LOG": {"HEADERS": []}})
        ask(application, b"hello", **sent)
    finally:
        holdfast.configure({})
    holdfast.log.flush(20)
    assert events[0]["headers"] == {"x-shop": "7"}
    assert events[0]["body"] == "hell…"
    assert "headers" not in events[1]


def test_defaults_pass_their_own_validation():
    defaults = LogSettings()
    given = {key: getattr(defaults, name) for key, name in KEYS.items()}
    assert validated_log(given) == defaults


def test_importing_holdfast_loads_nothing_of_the_log():
    loaded = output_of(
        "import holdfast, sys\n"
        "print([name for name in sys.modules if name.startswith('holdfast.log')])"
    )
    assert loaded == "[]"
    extras = output_of(
        "import holdfast.wsgi, sys\n"
        "holdfast.wsgi.RequestLog(print)\n"
        "names = 'django structlog opentelemetry prometheus_client asyncio.base_events'.split()\n"
        "print([name for name in names if name in sys.modules])"
    )
    assert "django" not in extras
    assert "prometheus_client" not in extras
