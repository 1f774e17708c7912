"""Where the server listens: seen from outside, so that it holds for every server."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import aiohttp
import psutil
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.http_exceptions import BadStatusLine

from .plan import PlanError

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}  # noqa: S104 - to be told


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect to, and what to say.

    Attributes:
        host, port: where to connect to.
        unix: the path of a socket, in place of both.
        scheme: `http` or `https`.
        name: what the site is called, for `Host` and cookies, with a port where one is said;
            empty: as host and port.
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
            return f"{self.scheme}://{self.name or 'localhost'}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.name and not self.name.startswith("["):
            host = self.name.partition(":")[0]
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def host_header(self) -> str:
        """What the server is told as `Host`."""
        return self.name or urlsplit(self.url).netloc

    def __str__(self) -> str:
        if self.unix:
            return f"unix:{self.unix}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def connector(self, *, closing: bool = False) -> aiohttp.BaseConnector:
        """Connections of one user. Certificates aren't checked: it is the user's own server.

        Args:
            closing: each request has a connection of its own.
        """
        if self.unix:
            return aiohttp.UnixConnector(self.unix, limit=0, force_close=closing)
        unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unchecked.check_hostname = False
        unchecked.verify_mode = ssl.CERT_NONE
        return aiohttp.TCPConnector(
            limit=0,
            force_close=closing,
            resolver=_Here(self.host),
            ssl=unchecked if self.scheme == "https" else True,
        )


class _Here(AbstractResolver):
    """Every name is this machine's: users ask the server that was started, and nobody else."""

    def __init__(self, host: str) -> None:
        self._host = host

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        of = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        return [
            ResolveResult(
                hostname=host,
                host=self._host,
                port=port,
                family=of,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        pass


def asked_for(url: str) -> Address:
    """What `--url` says: how the site is called, and its port on this machine; 0: not said.

    Raises:
        PlanError: it isn't an address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise PlanError(f"--url {url}: {error}.") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
        raise PlanError(f"--url {url}: give scheme, host and port, such as http://127.0.0.1:8000.")
    here = "::1" if parts.hostname == "::1" else "127.0.0.1"
    return Address(here, port or 0, "", parts.scheme, parts.netloc.rpartition("@")[2])


def listening(processes: Iterable[psutil.Process]) -> list[Address]:
    """Where these processes listen: TCP first, then sockets in the file system."""
    tcp: dict[tuple[str, int], None] = {}
    unix: dict[str, None] = {}
    for process in processes:
        try:
            for connection in process.net_connections("inet"):
                if connection.status == psutil.CONN_LISTEN:
                    tcp[connection.laddr.ip, connection.laddr.port] = None
            for connection in process.net_connections("unix"):
                path = str(connection.laddr)  # The stubs know of addresses only.
                if path.startswith("/"):
                    unix[path] = None
        except psutil.Error:
            continue  # It has ended meanwhile.
    found = [Address(_EVERYWHERE.get(ip, ip), port) for ip, port in tcp]
    return [*found, *(Address(unix=path) for path in unix)]


def named_by(address: Address, words: Sequence[str]) -> bool:
    """Whether the command has this port, or this path, in its words."""
    command = " ".join(words)
    if address.unix:
        return address.unix in command
    return re.search(rf"(?<!\d){address.port}(?!\d)", command) is not None


async def speaking(address: Address, path: str, seconds: float) -> Address | None:
    """The address, with its scheme, if HTTP is spoken there; None, if not (yet).

    Blocks up to *seconds*.
    """
    for scheme in ("http", "https"):
        tried = replace(address, scheme=scheme)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=tried.connector(),
                    timeout=aiohttp.ClientTimeout(total=seconds),
                    # How it is packed doesn't matter yet.
                    auto_decompress=False,
                ) as session,
                session.get(
                    tried.url + path, allow_redirects=False, headers={"Host": tried.host_header}
                ),
            ):
                return tried
        except TimeoutError:
            return None
        except aiohttp.ClientResponseError as error:
            # What begins as HTTP is an answer, whatever is wrong with it: users tell of that.
            if not isinstance(error.__cause__, BadStatusLine):
                return tried
        except (aiohttp.ClientError, OSError, ValueError):
            continue
    return None
