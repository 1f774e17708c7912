"""What `HOLDFAST["LOG"]` and the arguments of `RequestLog` may say, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from .spelling import ConfigurationError, meant

#: Left out of the log while they succeed: what orchestrators ask every few seconds.
HEALTH_CHECKS = ("/healthz", "/livez", "/readyz", "/health", "/health/")

#: Whose first bytes may be kept, where bodies are kept at all.
TEXTS = (
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/plain",
)


@dataclass(frozen=True)
class SampleRule:
    """Which share of the requests that match is written."""

    rate: float
    route: str = ""  # a pattern such as "api/*"; empty: any
    status: str = ""  # such as "200" or "2xx"; empty: any


@dataclass(frozen=True)
class LogSettings:
    """The settings of one request log. Each has the name of a key of `HOLDFAST["LOG"]`."""

    output: str | Callable[..., object] = "stderr"
    format: str = "line"
    in_event: bool = False
    headers: tuple[str, ...] = ("user-agent",)
    proxies: int | tuple[str, ...] = ()
    forwarded: str = "x-forwarded-for"
    request_id: str | None = "X-Request-ID"
    take_ids: str = "always"
    return_ids: bool = True
    body: int = 0
    response_body: int = 0
    body_types: tuple[str, ...] = TEXTS
    redact: tuple[str, ...] = ()
    redact_patterns: tuple[str, ...] = ()
    identify: str | Callable[..., Any] | None = None
    identify_timeout: float = 1.0
    state: tuple[str, ...] = ()
    sample: tuple[SampleRule, ...] = ()
    slow: float = 1.0
    exclude: tuple[str, ...] = HEALTH_CHECKS
    limit: int | None = None
    queue: int = 10_000
    metrics: tuple[str, ...] = ()


#: The field for each key; `IN` is a word of the language.
KEYS = {
    ("IN" if field.name == "in_event" else field.name.upper()): field.name
    for field in fields(LogSettings)
}


def validated_log(given: Any, place: str = "HOLDFAST['LOG']") -> LogSettings:
    """*given*, a dict with some of the keys, as settings.

    Args:
        given: as in `HOLDFAST["LOG"]`.
        place: what an error calls it.

    Raises:
        ConfigurationError: a key or value is unknown.
    """
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{place} must be a dict such as {{'FORMAT': 'json'}}.")
    values = {}
    for key, value in given.items():
        if key not in KEYS:
            raise ConfigurationError(f"{place} has no key {key!r}.{meant(key, KEYS)}")
        values[KEYS[key]] = _VALIDATORS[key](value, f"{place}[{key!r}]")
    return LogSettings(**values)


def _one_of(*known: str) -> Callable[[Any, str], str]:
    def validate(value: Any, place: str) -> str:
        if not isinstance(value, str) or value not in known:
            raise ConfigurationError(f"{place} knows no {value!r}.{meant(value, known)}")
        return value

    return validate


def _output(value: Any, place: str) -> Any:
    if callable(value) or value in OUTPUTS:
        return value
    if isinstance(value, str) and (value.startswith("file:/") or _is_dotted(value)):
        return value
    raise ConfigurationError(
        f"{place} must be one of {', '.join(OUTPUTS)}, 'file:/path', or a function of the event or"
        f" its dotted path, not {value!r}."
    )


def _is_dotted(value: str) -> bool:
    return re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", value) is not None


def _function(value: Any, place: str) -> Any:
    if value is None or callable(value) or (isinstance(value, str) and _is_dotted(value)):
        return value
    raise ConfigurationError(f"{place} must be a function or its dotted path, not {value!r}.")


def _yes_or_no(value: Any, place: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{place} must be True or False, not {value!r}.")
    return value


def _number(
    least: float, most: float, unit: str, *, whole: bool = True, none: bool = False
) -> Callable[[Any, str], Any]:
    kinds: Any = int if whole else (int, float)

    def validate(value: Any, place: str) -> Any:
        if value is None and none:
            return None
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
            raise ConfigurationError(
                f"{place} must be a number of {unit} from {least} to {most}, not {value!r}."
            )
        return value

    return validate


def _texts(example: str) -> Callable[[Any, str], tuple[str, ...]]:
    def validate(value: Any, place: str) -> tuple[str, ...]:
        is_list = isinstance(value, Collection) and not isinstance(value, str | bytes)
        if not is_list or not all(isinstance(one, str) and one for one in value):
            raise ConfigurationError(
                f"{place} must be a list such as [{example!r}], not {value!r}."
            )
        return tuple(value)

    return validate


def _lower(example: str) -> Callable[[Any, str], tuple[str, ...]]:
    texts = _texts(example)
    return lambda value, place: tuple(one.lower() for one in texts(value, place))


def _header(value: Any, place: str) -> str | None:
    if value is not None and not (isinstance(value, str) and _HEADER_NAME.fullmatch(value)):
        raise ConfigurationError(
            f"{place} must be the name of a header such as 'X-Request-ID', or None, not {value!r}."
        )
    return value


_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_MANY_PROXIES = 20


def _proxies(value: Any, place: str) -> int | tuple[str, ...]:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MANY_PROXIES:
        return value
    from ipaddress import ip_network

    try:
        networks = _texts("10.0.0.0/8")(value, place)
        for network in networks:
            if network != "unix":
                ip_network(network)
    except ValueError as error:
        raise ConfigurationError(
            f"{place} must be how many proxies stand before the server, or a list of their networks"
            f" such as ['10.0.0.0/8', 'unix'], not {value!r}."
        ) from error
    return networks


def _state(value: Any, place: str) -> tuple[str, ...]:
    names = _texts("user_id")(value, place)
    for name in names:
        if not name.isidentifier():
            raise ConfigurationError(f"{place}: {name!r} can't be a name in holdfast.state.")
    return names


def _patterns(value: Any, place: str) -> tuple[str, ...]:
    patterns = _texts(r"ACME-\d{8}")(value, place)
    for pattern in patterns:
        try:
            matches_nothing = re.compile(pattern).search("") is not None
        except re.error as error:
            raise ConfigurationError(f"{place}: {pattern!r} is no pattern: {error}.") from error
        if matches_nothing:
            raise ConfigurationError(f"{place}: {pattern!r} matches an empty text.")
    return patterns


def _sample(value: Any, place: str) -> tuple[SampleRule, ...]:
    rules: Any = [value] if isinstance(value, int | float | Mapping) else value
    if not isinstance(rules, Sequence) or isinstance(rules, str):
        raise ConfigurationError(
            f"{place} must be a share such as 0.1, or a list of dicts such as"
            f" {{'route': 'api/*', 'status': '2xx', 'rate': 0.1}}, not {value!r}."
        )
    return tuple(_sample_rule(rule, place) for rule in rules)


def _sample_rule(rule: Any, place: str) -> SampleRule:
    rule = rule if isinstance(rule, Mapping) else {"rate": rule}
    for key in rule:
        if key not in ("rate", "route", "status"):
            known = ("rate", "route", "status")
            raise ConfigurationError(f"{place} has no key {key!r}.{meant(key, known)}")
    rate = rule.get("rate")
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
        raise ConfigurationError(f"{place}: 'rate' must be a number from 0 to 1, not {rate!r}.")
    route, status = rule.get("route", ""), str(rule.get("status", "")).lower()
    if not isinstance(route, str):
        raise ConfigurationError(f"{place}: 'route' must be a pattern such as 'api/*'.")
    if status and not re.fullmatch(r"[1-5](xx|\d\d)", status):
        raise ConfigurationError(f"{place}: 'status' must be such as 200 or '2xx', not {status!r}.")
    return SampleRule(float(rate), route, status)


OUTPUTS = ("stderr", "stdout", "logging", "structlog")
FORMATS = ("line", "json", "in_out")
METRICS = ("prometheus", "opentelemetry")
_MEGABYTE = 1_048_576
_DAY = 86_400.0


def _metrics(value: Any, place: str) -> tuple[str, ...]:
    kinds = _texts("prometheus")(value, place)
    return tuple(_one_of(*METRICS)(kind, place) for kind in kinds)


def _header_names(value: Any, place: str) -> tuple[str, ...]:
    names = _lower("user-agent")(value, place)
    for name in names:
        _header(name, place)
    return tuple(dict.fromkeys(names))


_VALIDATORS: dict[str, Callable[[Any, str], Any]] = {
    "OUTPUT": _output,
    "FORMAT": _one_of(*FORMATS),
    "IN": _yes_or_no,
    "HEADERS": _header_names,
    "PROXIES": _proxies,
    "FORWARDED": _one_of("x-forwarded-for", "forwarded"),
    "REQUEST_ID": _header,
    "TAKE_IDS": _one_of("always", "proxies", "never"),
    "RETURN_IDS": _yes_or_no,
    "BODY": _number(0, _MEGABYTE, "bytes"),
    "RESPONSE_BODY": _number(0, _MEGABYTE, "bytes"),
    "BODY_TYPES": _lower("application/json"),
    "REDACT": _texts("customer_number"),
    "REDACT_PATTERNS": _patterns,
    "IDENTIFY": _function,
    "IDENTIFY_TIMEOUT": _number(0.001, 60.0, "seconds", whole=False),
    "STATE": _state,
    "SAMPLE": _sample,
    "SLOW": _number(0.0, _DAY, "seconds", whole=False),
    "EXCLUDE": _texts("/healthz"),
    "LIMIT": _number(1, 1_000_000, "lines a second", none=True),
    "QUEUE": _number(1, 1_000_000, "records"),
    "METRICS": _metrics,
}
