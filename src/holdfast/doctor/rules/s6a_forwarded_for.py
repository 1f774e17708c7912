"""S6a: the client's address from a header that anyone can send."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..file import Defined, File
from ..findings import Finding
from ..names import everything, walk

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
_HEADER = re.compile(r"^(http[-_])?x[-_]forwarded[-_]for$", re.IGNORECASE)
_TRUST = re.compile(
    r"trust|prox(y|ies)|upstream|real_ip_from|whitelist|allowlist|known_hop", re.IGNORECASE
)


def check(file: File) -> Iterator[Finding]:
    """Functions that look the header up, and nothing that says whom to believe."""
    constants = {
        target.id
        for statement in file.tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Constant)
        and _is_header(statement.value)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    for function in file.functions:
        found = _lookup(function, constants)
        if found is None or _knows_whom_to_trust(function):
            continue
        yield file.finding(
            CODE,
            found,
            f"{function.name} believes X-Forwarded-For whoever sent it: any client can choose the"
            " address that is logged, limited or let in.",
            "Count from the right, over proxies that you run: holdfast's request log does so"
            " (HOLDFAST['LOG']), or compare REMOTE_ADDR with a setting first.",
            symbol=function.name,
            attribute="X-Forwarded-For",
        )


def _is_header(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _HEADER.match(node.value) is not None
    )


def _lookup(function: Defined, constants: set[str]) -> ast.AST | None:
    """Where the function reads the header's value."""

    def header(node: ast.AST) -> bool:
        return _is_header(node) or (isinstance(node, ast.Name) and node.id in constants)

    for part in walk(function.node):
        if (
            isinstance(part, ast.Subscript)
            and header(part.slice)
            and isinstance(part.ctx, ast.Load)
        ):
            return part
        if (
            isinstance(part, ast.Call)
            and any(header(argument) for argument in part.args[:2])
            and not (
                isinstance(part.func, ast.Attribute) and part.func.attr in {"pop", "setdefault"}
            )
        ):
            return part
    # The names of several headers, gone through in order.
    for part in walk(function.node):
        if isinstance(part, ast.Tuple | ast.List) and any(header(one) for one in part.elts):
            return part
    return None


def _knows_whom_to_trust(function: Defined) -> bool:
    """Whether a setting, an argument or a global says which proxies are believed."""
    own = {
        part.id
        for part in walk(function.node)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }
    for part in everything(function.node):
        if isinstance(part, ast.Attribute) and _TRUST.search(part.attr):
            return True
        if isinstance(part, ast.Name) and part.id not in own and _TRUST.search(part.id):
            return True
        if (
            isinstance(part, ast.Call)
            and isinstance(part.func, ast.Name)
            and part.func.id == "getattr"
            and len(part.args) > 1
            and isinstance(part.args[1], ast.Constant)
            and _TRUST.search(str(part.args[1].value))
        ):
            return True
    return False
