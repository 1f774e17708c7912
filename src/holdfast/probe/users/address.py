"""Where the server listens: seen from outside, so that it holds for every server."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import aiohttp
import psutil

from .plan import PlanError

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}  # noqa: S104 - to be told
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect to, and what to say.

    Attributes:
        host, port: where to connect to.
        unix: the path of a socket, in place of both.
        scheme: `http` or `https`.
        name: what is sent as `Host`; empty: host and port.
    """

    host: str = ""
    port: int = 0
    unix: str = ""
    scheme: str = "http"
    name: str = ""

    @property
    def url(self) -> str:
        """What paths are put behind."""
        if self.unix:
            return f"{self.scheme}://localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def host_header(self) -> str:
        """What the server is told as `Host`."""
        return self.name or urlsplit(self.url).netloc

    def __str__(self) -> str:
        return f"unix:{self.unix}" if self.unix else self.url

    def connector(self) -> aiohttp.BaseConnector:
        """Connections of one user. Certificates aren't checked: it is the user's own server."""
        if self.unix:
            return aiohttp.UnixConnector(self.unix, limit=0)
        checked = ssl.create_default_context()
        checked.check_hostname = False
        checked.verify_mode = ssl.CERT_NONE
        return aiohttp.TCPConnector(limit=0, ssl=checked if self.scheme == "https" else True)


def asked_for(url: str) -> Address:
    """What `--url` says.

    Raises:
        PlanError: it isn't an address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise PlanError(f"--url {url}: {error}.") from error
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/"):
        raise PlanError(f"--url {url}: give scheme, host and port, such as http://127.0.0.1:8000.")
    return Address(parts.hostname, port or _PORTS[parts.scheme], "", parts.scheme, parts.netloc)


def listening(processes: Iterable[psutil.Process]) -> list[Address]:
    """Where these processes listen: TCP first, then sockets in the file system."""
    tcp: dict[tuple[str, int], None] = {}
    unix: dict[str, None] = {}
    for process in processes:
        try:
            for connection in process.net_connections("inet"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr:
                    tcp[connection.laddr.ip, connection.laddr.port] = None
            for connection in process.net_connections("unix"):
                if isinstance(connection.laddr, str) and connection.laddr.startswith("/"):
                    unix[connection.laddr] = None
        except psutil.Error:
            continue  # It has ended meanwhile.
    found = [Address(_EVERYWHERE.get(ip, ip), port) for ip, port in tcp]
    return [*found, *(Address(unix=path) for path in unix)]


def by_likelihood(found: Sequence[Address], words: Sequence[str]) -> list[Address]:
    """Those first whose port, or path, the command names."""
    command = " ".join(words)

    def named(address: Address) -> bool:
        return (address.unix or f":{address.port}") in command or str(address.port) in words

    return sorted(found, key=lambda address: (not named(address), bool(address.unix)))


async def speaking(address: Address, path: str, timeout: float) -> Address | None:
    """The address, with its scheme, if HTTP is spoken there; None, if not (yet).

    Blocks up to *timeout* seconds.
    """
    for scheme in [address.scheme] if address.name else ["http", "https"]:
        tried = replace(address, scheme=scheme)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=tried.connector(), timeout=aiohttp.ClientTimeout(total=timeout)
                ) as session,
                session.get(
                    tried.url + path, allow_redirects=False, headers={"Host": tried.host_header}
                ),
            ):
                return tried
        except (aiohttp.ClientError, OSError, ValueError):
            continue
        except TimeoutError:
            return None
    return None
