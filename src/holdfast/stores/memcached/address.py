"""Where the Memcached servers are, from a URL."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from ..errors import StoreError

#: Stands before each key, so that others may use the same servers.
DEFAULT_PREFIX = "hf:"
_LONGEST_PREFIX = 60

FORMS = "memcached://host[:11211][,host...], memcached:///path/to/socket"


@dataclass(frozen=True, slots=True)
class Server:
    """One server: a path, or a host and port."""

    path: str = ""
    host: str = ""
    port: int = 11211

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Address:
    """What a URL says. There are no passwords in it."""

    shown: str
    prefix: bytes
    servers: tuple[Server, ...]


def read_address(url: str) -> Address:
    """Read the URL. StoreError, with the right forms, if it makes no sense."""
    try:
        return _read(url)
    except ValueError as error:
        raise StoreError(f"not a Memcached URL ({error}); the forms are {FORMS}") from None


def _read(url: str) -> Address:
    parts = urlsplit(url)
    if parts.scheme != "memcached":
        raise ValueError(f"unknown scheme {parts.scheme!r}")
    if "@" in parts.netloc:
        raise ValueError("user names and passwords are not supported")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    prefix = query.pop("prefix", DEFAULT_PREFIX)
    if query:
        raise ValueError(f"unknown option: {', '.join(sorted(query))}")
    if not prefix.isascii() or any(not char.isprintable() or char == " " for char in prefix):
        raise ValueError("a prefix is of visible ASCII characters")
    if len(prefix) > _LONGEST_PREFIX:
        raise ValueError(f"a prefix is of {_LONGEST_PREFIX} characters at most")
    if parts.netloc:
        if parts.path.strip("/"):
            raise ValueError("there are no databases in Memcached, so no path after a host")
        servers = tuple(_server(name) for name in parts.netloc.split(","))
    elif parts.path.strip("/"):
        servers = (Server(path=unquote(parts.path)),)
    else:
        raise ValueError("a host is missing")
    return Address(url, prefix.encode(), servers)


def _server(name: str) -> Server:
    one = urlsplit(f"//{name.strip()}")
    if not one.hostname:
        raise ValueError("a host is missing")
    return Server(host=one.hostname, port=one.port or 11211)
