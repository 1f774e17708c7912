"""The client's address, from a chain of proxies of which only some are trusted.

A header is what anybody can send. So it is read from the right, where the proxies that are ours
have written, and no further than they reach; whatever is odd ends the reading.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_Address = IPv4Address | IPv6Address
_LONGEST = 4096


class TrustedProxies:
    """Finds the client behind proxies.

    Args:
        proxies: how many stand before the server, or their networks ("unix" for a Unix socket).
    """

    def __init__(self, proxies: int | tuple[str, ...], header: str) -> None:
        self.count = proxies if isinstance(proxies, int) else 0
        networks = () if isinstance(proxies, int) else proxies
        self._networks = [ip_network(network) for network in networks if network != "unix"]
        self._unix = "unix" in networks
        self._hops = _hops_of_forwarded if header == "forwarded" else _hops_of_x_forwarded_for
        self._found: dict[tuple[str, str], str] = {}

    def __bool__(self) -> bool:
        return bool(self.count or self._networks or self._unix)

    def client(self, peer: str, header: str) -> str:
        """The client's address: the peer's own, wherever the header can't be believed."""
        if not header or not self:
            # A header must not change how the same address is written.
            return _plain(peer) if ":" in peer else peer
        found = self._found.get((peer, header))
        if found is None:
            found = self._counted(peer, header) if self.count else self._walked(peer, header)
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[peer, header] = found
        return found

    def trusts(self, peer: str) -> bool:
        """Whether *peer* is a proxy of ours."""
        if self.count:
            return True
        address = _address(peer)
        if address is None:
            return self._unix and ("/" in peer or peer in ("", "unix:", "unix"))
        return any(address in network for network in self._networks)

    def _counted(self, peer: str, header: str) -> str:
        hops = self._hops(header)
        if hops is None or len(hops) < self.count:
            return _plain(peer)
        client = _address(hops[-self.count])
        return _plain(peer) if client is None else str(client)

    def _walked(self, peer: str, header: str) -> str:
        if not self.trusts(peer):
            return _plain(peer)
        believed = _plain(peer)
        for hop in reversed(self._hops(header) or ()):
            address = _address(hop)
            if address is None:
                break
            believed = str(address)
            if not any(address in network for network in self._networks):
                break
        return believed


_REMEMBERED = 4096


def _plain(peer: str) -> str:
    address = _address(peer)
    return peer if address is None else str(address)


_WITH_PORT = re.compile(r"(?:\[([0-9a-fA-F:.%\w]+)\]|(\d{1,3}(?:\.\d{1,3}){3}))(?::\d{1,5})?")


def _address(text: str) -> _Address | None:
    """An address as proxies write it: bare, in brackets, with a port. None: anything else."""
    text = text.strip(" \t")
    found = _WITH_PORT.fullmatch(text)
    if found is not None:
        text = found[1] or found[2]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.scope_id is not None:
            return IPv6Address(int(address))
    return address


def _hops_of_x_forwarded_for(header: str) -> list[str] | None:
    if len(header) > _LONGEST:
        # From the right; the leftmost is cut.
        return header[-_LONGEST:].split(",")[1:]
    return header.split(",")


# RFC 7239: pairs of token=value, apart by ";", elements by ",". Values are tokens or quoted texts.
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR = re.compile(rf'\s*({_WORD})=(?:({_WORD})|"((?:[^"\\]|\\.)*)")\s*([;,]|$)')


def _hops_of_forwarded(header: str) -> list[str] | None:
    """The `for` of each element; None where the header is not as it should be.

    One quotation mark too many, and what our own proxy has written would be part of a text that the
    client began: then nothing of it is believed.
    """
    if len(header) > _LONGEST:
        return None
    hops, current, at = [], "unknown", 0
    while at < len(header):
        pair = _PAIR.match(header, at)
        if pair is None:
            return None
        if pair[1].lower() == "for":
            quoted = pair[3]
            current = pair[2] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        if pair[4] != ";":
            hops.append(current)
            current = "unknown"
        at = pair.end()
    return hops
