"""S8c: a time-out that doesn't mean what it says."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..file import File
from ..findings import Finding
from ._caches import entries, item, options

CODE = "S8c"
TITLE = "A time-out that doesn't mean what it says"
REASON = """`"TIMEOUT": 0` keeps nothing at all (None would keep for ever), a text that is no number
is taken for 300 without a word, times of clients are seconds and not milliseconds, and a client
that is told to wait for ever has the worker wait with it when the cache's machine is gone."""
WRONG = """
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://cache:6379/1",
        "TIMEOUT": 0,
    }
}
"""
RIGHT = """
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://cache:6379/1",
        "TIMEOUT": None,
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}
"""
_OF_SOCKETS = frozenset(
    {
        "socket_timeout", "socket_connect_timeout", "SOCKET_TIMEOUT", "SOCKET_CONNECT_TIMEOUT",
        "timeout", "connect_timeout",
    }
)  # fmt: skip
#: Nobody means to wait for a cache that long: these are milliseconds.
_LONGEST_SECONDS = 500


def check(file: File) -> Iterator[Finding]:
    """Times in entries of CACHES."""
    for entry, name in entries(file):
        kept = item(entry, "TIMEOUT")
        why = "" if kept is None or "dummy" in name else _kept(kept)
        if kept is not None and why:
            yield _found(file, kept, "TIMEOUT", why)
        waits = [(key, value) for key, value in options(entry)]
        for key, value in options(entry):
            if key.value == "CONNECTION_POOL_KWARGS" and isinstance(value, ast.Dict):
                waits += [
                    (k, v)
                    for k, v in zip(value.keys, value.values, strict=True)
                    if isinstance(k, ast.Constant)
                ]
        for key, value in waits:
            if key.value in _OF_SOCKETS and (why := _waits(value)):
                yield _found(file, value, str(key.value), why)


def _found(file: File, node: ast.AST, attribute: str, why: str) -> Finding:
    return file.finding(
        CODE,
        node,
        f"{attribute} {why}.",
        "Times are seconds: say how long an entry is true, and how long a worker may wait.",
        symbol="CACHES",
        attribute=attribute,
    )


def _number(node: ast.expr) -> float | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return None if isinstance(node.value, bool) else float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    return None


def _kept(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            float(node.value)
        except ValueError:
            return f"is the text {node.value!r}, which Django takes for 300 without a word"
        return ""
    number = _number(node)
    if number is not None and number <= 0:
        return f"is {number:g}: nothing is kept; None keeps for ever"
    return ""


def _waits(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and node.value is None:
        return "is None: the worker waits for ever when the cache's machine is gone"
    number = _number(node)
    if number is not None and number >= _LONGEST_SECONDS:
        return f"is {number:g} seconds; milliseconds were meant, most likely"
    return ""
