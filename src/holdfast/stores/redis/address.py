"""Where a Redis or Valkey is, from its URL."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from ..errors import StoreError

#: Stands before each key, so that others may use the same server.
DEFAULT_PREFIX = "hf:"

SINGLE = {
    "redis": "redis",
    "valkey": "redis",
    "rediss": "rediss",
    "valkeys": "rediss",
    "unix": "unix",
}
SENTINEL = {"redis+sentinel": False, "valkey+sentinel": False, "rediss+sentinel": True}
#: What a URL may say of TLS, whichever kind it is: paths of files.
TLS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
CLUSTER = {"redis+cluster": False, "valkey+cluster": False, "rediss+cluster": True}

FORMS = (
    "redis://[user:password@]host[:6379][/db], rediss://..., unix:///path[?db=0],"
    " redis+sentinel://host[:26379],.../service[?db=0], redis+cluster://host[:6379],..."
)


@dataclass(frozen=True, slots=True)
class Address:
    """What a URL says.

    Attributes:
        kind: one server, the master that sentinels name, or a cluster.
        shown: the URL without password, for messages.
        prefix: stands before each key.
        secrets: passwords, to be kept out of messages.
        url: for one server, the URL as redis-py reads it.
        hosts: of the sentinels or the cluster's nodes.
        service: the name that the sentinels know the master by.
        options: for each connection to the servers themselves (user name, password, db, TLS).
        sentinel_options: for each connection to a sentinel.
    """

    kind: Literal["single", "sentinel", "cluster"]
    shown: str
    prefix: bytes
    secrets: tuple[str, ...] = field(repr=False)
    url: str = field(default="", repr=False)
    hosts: tuple[tuple[str, int], ...] = ()
    service: str = ""
    options: dict[str, object] = field(default_factory=dict, repr=False)
    sentinel_options: dict[str, object] = field(default_factory=dict, repr=False)

    @property
    def encrypted(self) -> bool:
        """Whether connections are made with TLS."""
        return self.url.startswith("rediss:") or "ssl" in self.options


def read_address(url: str) -> Address:
    """Read the URL. StoreError, with the right forms, if it makes no sense."""
    try:
        return _read(url)
    except ValueError as error:
        # The text is not quoted: it may hold a password.
        raise StoreError(f"not a Redis URL ({error}); the forms are {FORMS}") from None


def _read(url: str) -> Address:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    shown_query = {name: "***" if "password" in name else query[name] for name in query}
    shown = _without_password(parts.scheme, parts.netloc, parts.path, shown_query)
    secrets = _passwords(parts.netloc, query)
    prefix = query.pop("prefix", DEFAULT_PREFIX).encode()
    if b"{" in prefix:
        raise ValueError("a prefix may hold no brace, which is a hash tag in a cluster")
    if parts.scheme in SINGLE:
        _ = parts.port  # ValueError, if it is no number
        if parts.scheme == "unix" and not parts.path:
            raise ValueError("unix:// is followed by a path")
        plain = f"{SINGLE[parts.scheme]}://{parts.netloc}{parts.path}"
        if query:
            plain += "?" + urlencode(query)
        return Address("single", shown, prefix, secrets, url=plain)
    if parts.scheme in SENTINEL:
        return _read_sentinel(parts, query, Address("sentinel", shown, prefix, secrets))
    if parts.scheme in CLUSTER:
        return _read_cluster(parts, query, Address("cluster", shown, prefix, secrets))
    raise ValueError(f"unknown scheme {parts.scheme!r}")


def _read_sentinel(parts: SplitResult, query: dict[str, str], begun: Address) -> Address:
    service = unquote(parts.path.strip("/"))
    if not service or "/" in service:
        raise ValueError("the path names the service that the sentinels watch")
    user, password, hosts = _hosts(parts.netloc)
    tls = _tls(query, wanted=SENTINEL[parts.scheme])
    read = replace(
        begun,
        hosts=tuple((host, port or 26379) for host, port in hosts),
        service=service,
        options=_given(username=user, password=password, db=int(query.pop("db", "0")), **tls),
        sentinel_options=_given(
            username=query.pop("sentinel_username", None),
            password=query.pop("sentinel_password", None),
            **tls,
        ),
    )
    _nothing_left(query)
    return read


def _read_cluster(parts: SplitResult, query: dict[str, str], begun: Address) -> Address:
    if parts.path.strip("/") not in {"", "0"}:
        raise ValueError("a cluster has no databases and no services, so no path")
    tls = _tls(query, wanted=CLUSTER[parts.scheme])
    _nothing_left(query)
    user, password, hosts = _hosts(parts.netloc)
    return replace(
        begun,
        hosts=tuple((host, port or 6379) for host, port in hosts),
        options=_given(username=user, password=password, **tls),
    )


def _tls(query: dict[str, str], *, wanted: bool) -> dict[str, object]:
    if not wanted:
        return {}
    return {"ssl": True} | {name: query.pop(name) for name in TLS if name in query}


def _hosts(netloc: str) -> tuple[str | None, str | None, list[tuple[str, int | None]]]:
    login, _, names = netloc.rpartition("@")
    user, _, password = login.partition(":")
    hosts: list[tuple[str, int | None]] = []
    for name in names.split(","):
        one = urlsplit(f"//{name.strip()}")
        if not one.hostname:
            raise ValueError("a host is missing")
        hosts.append((one.hostname, one.port))
    return unquote(user) or None, unquote(password) or None, hosts


def _given(**options: object) -> dict[str, object]:
    return {name: value for name, value in options.items() if value is not None}


def _nothing_left(query: dict[str, str]) -> None:
    if query:
        raise ValueError(f"unknown option: {', '.join(sorted(query))}")


def _without_password(scheme: str, netloc: str, path: str, query: dict[str, str]) -> str:
    login, at, hosts = netloc.rpartition("@")
    user = quote(unquote(login.partition(":")[0]))
    shown = f"{scheme}://{user + ':***' + at if at else ''}{hosts}{path}"
    return f"{shown}?{urlencode(query, safe='*/:')}" if query else shown


def _passwords(netloc: str, query: dict[str, str]) -> tuple[str, ...]:
    found = [query[name] for name in query if "password" in name]
    quoted = netloc.rpartition("@")[0].partition(":")[2]
    found += [quoted, unquote(quoted)]
    return tuple(secret for secret in dict.fromkeys(found) if secret)
