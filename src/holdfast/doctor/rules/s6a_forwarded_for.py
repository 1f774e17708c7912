"""S6a: the client's address from a header that anyone can send."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..file import Defined, File
from ..findings import Finding
from ..frameworks import Kind
from ..names import everything, walk
from ._header import Place, lookups, places
from ._taint import mentions

CODE = "S6a"
TITLE = "The client's address from X-Forwarded-For without a trusted chain"
REASON = """Every client can send X-Forwarded-For, and proxies append to what they get. Its first
element is what the client wrote: whoever wants to be somebody else, pass a limit of rates, or stay
out of an audit log writes an address of their choice there."""
WRONG = """
def client_address(request):
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR")
    if forwarded:
        return forwarded.split(",")[0]
    return request.META["REMOTE_ADDR"]
"""
RIGHT = """
from django.conf import settings

def client_address(request):
    address = request.META["REMOTE_ADDR"]
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while address in settings.TRUSTED_PROXIES and hops:
        address = hops.pop().strip()
    return address
"""
_TRUST = re.compile(
    r"trust|prox(y|ies)|upstream|real_ip_from|whitelist|allowlist|known_hop", re.IGNORECASE
)
_PEERS = re.compile(r"trust|prox(y|ies)|upstream|real_ip_from|known_hop", re.IGNORECASE)
_ITS_OWN_PROCESS = frozenset({Kind.COMMAND, Kind.TEST})


def check(file: File) -> Iterator[Finding]:
    """Functions that look the header up, and nothing that says whom to believe."""
    text = file.source.text.lower()
    if not any(word in text for word in ("meta", "headers", "environ", "forwarded")):
        return
    seen: set[int] = set()
    for place in places(file):
        if place.class_name and file.lifetimes.kind(place.class_name) in _ITS_OWN_PROCESS:
            continue
        found = next(lookups(file, place), None)
        if found is None or id(found) in seen or _knows_whom_to_trust(file, place, found):
            continue
        seen.add(id(found))
        yield file.finding(
            CODE,
            found,
            f"{place.name} believes X-Forwarded-For whoever sent it: any client can choose the"
            " address that is logged, limited or let in.",
            "Count from the right, over proxies that you run: holdfast's request log does so"
            " (HOLDFAST['LOG']), or compare REMOTE_ADDR with a setting first.",
            symbol=place.name,
            attribute="X-Forwarded-For",
        )


def _knows_whom_to_trust(file: File, place: Place, found: ast.AST) -> bool:
    """Whether a setting, an argument or a global says which proxies are believed."""
    return (
        _speaks_of(place.node, _TRUST)
        or _asks_the_peer_first(place.node, found)
        or any(_speaks_of(one.node, _PEERS) for one in _given_the_value(file, place, found))
    )


def _speaks_of(function: ast.AST, words: re.Pattern[str]) -> bool:
    own = {
        part.id
        for part in walk(function)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }
    for part in everything(function):
        if isinstance(part, ast.Attribute) and words.search(part.attr):
            return True
        if isinstance(part, ast.Name) and part.id not in own and words.search(part.id):
            return True
        if (
            isinstance(part, ast.Call)
            and isinstance(part.func, ast.Name)
            and part.func.id == "getattr"
            and len(part.args) > 1
            and isinstance(part.args[1], ast.Constant)
            and words.search(str(part.args[1].value))
        ):
            return True
    return False


def _asks_the_peer_first(function: ast.AST, found: ast.AST) -> bool:
    """`if REMOTE_ADDR in (...)`, before anything but the first element is believed."""
    if any(
        isinstance(part, ast.Subscript)
        and isinstance(part.slice, ast.Constant)
        and part.slice.value == 0
        for part in walk(function)
    ):
        return False  # what the client wrote, whoever the proxy is
    peers: set[str] = set()
    sent: set[str] = set()
    for part in walk(function):
        if isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name):
            name = part.targets[0].id
            if mentions(part.value, sent) or found in everything(part.value):
                sent.add(name)
                peers.discard(name)
            elif name not in sent and _is_peer(part.value, peers):
                peers.add(name)
        elif (
            isinstance(part, ast.Compare)
            and isinstance(part.ops[0], ast.In | ast.NotIn | ast.Eq | ast.NotEq)
            and _is_peer(part.left, peers)
            and _is_somebody(part.comparators[0])
        ):
            return True
    return False


def _is_peer(node: ast.AST, peers: set[str]) -> bool:
    return any(
        (isinstance(part, ast.Constant) and part.value == "REMOTE_ADDR")
        or (isinstance(part, ast.Name) and part.id in peers)
        for part in everything(node)
    )


def _is_somebody(node: ast.AST) -> bool:
    """Whether something is an address, or addresses, that the request has no part in."""
    if isinstance(node, ast.Constant):
        return bool(node.value)
    return not any(
        isinstance(part, ast.Name) and part.id in {"request", "req", "self"}
        for part in everything(node)
    )


def _given_the_value(file: File, place: Place, found: ast.AST) -> Iterator[Defined]:
    """Functions of this file that are called with the header's value as it was sent."""
    holders = {
        target.id
        for part in walk(place.node)
        if isinstance(part, ast.Assign) and part.value is found
        for target in part.targets
        if isinstance(target, ast.Name)
    }
    called = {
        part.func.attr if isinstance(part.func, ast.Attribute) else getattr(part.func, "id", "")
        for part in walk(place.node)
        if isinstance(part, ast.Call)
        for argument in part.args
        if argument is found or (isinstance(argument, ast.Name) and argument.id in holders)
    }
    for function in file.functions:
        if function.own_name in called:
            yield function
