"""The client's address for your own code, by the rules of the request log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..configuration import listeners, setting
from ..log_settings import validated_log
from .addresses import TrustedProxies
from .entry import LONGEST
from .from_environ import environ_key

#: What the settings say, until they are applied anew: who is trusted, and the header's name.
_known: list[tuple[TrustedProxies, str]] = []
listeners.append(_known.clear)


def client_address(request: Any) -> str:
    """The address that *request* came from, as far as it can be believed.

    Without `HOLDFAST["LOG"]["PROXIES"]` it is the address of the connection. With it, what your own
    proxies have written into `X-Forwarded-For` (or `Forwarded`, see `FORWARDED`), read from the
    right; what a client wrote there itself never counts. It costs microseconds, and never blocks.

    Args:
        request: Django's, a WSGI environ or an ASGI scope.

    Returns:
        The address; an empty text where none is known, as on a Unix socket.

    Raises:
        ConfigurationError: `HOLDFAST["LOG"]` can't be used.
    """
    if _known:
        proxies, name = _known[0]
    else:
        settings = validated_log(setting("LOG", {}))
        proxies, name = TrustedProxies(settings.proxies, settings.forwarded), settings.forwarded
        _known[:] = [(proxies, name)]
    meta = getattr(request, "META", request)
    if not isinstance(meta, Mapping):
        raise TypeError(
            "client_address() takes Django's request, a WSGI environ or an ASGI scope, not"
            f" {type(request).__name__}."
        )
    if "asgi" in meta:
        client = meta.get("client")
        peer = str(client[0]) if client and client[0] else ""
        return proxies.client(peer, _of_scope(meta, name.encode()))
    peer = meta.get("REMOTE_ADDR") or ""
    return proxies.client(peer, meta.get(environ_key(name), "")[-2 * LONGEST :])


def _of_scope(scope: Mapping[str, Any], name: bytes) -> str:
    """All headers of that name, as one."""
    found = [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]
    return ",".join(found)[-2 * LONGEST :]
