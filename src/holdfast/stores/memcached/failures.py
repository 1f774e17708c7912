"""What Memcached and its sockets say is wrong, as our errors: one line that says what to do."""

from __future__ import annotations

from ..errors import StoreError, StoreFull, StoreTimeout, StoreUnavailable


def refused(words: str, key: bytes | None = None) -> StoreError:
    """The error for what a server said."""
    at = "" if key is None else f" at {key[:100]!r}"
    if "too large" in words:
        return StoreError(
            f"the value{at} is larger than Memcached takes (1 MB, unless it was started with -I);"
            " store less under one key, or start memcached with a larger -I"
        )
    if "out of memory" in words:
        return StoreFull(
            f"Memcached has no memory for the value{at}, and nothing to evict; start it with a"
            " larger -m"
        )
    return StoreError(f"Memcached refused what was asked{at}: {words}")


def unreachable(where: str, error: Exception) -> StoreUnavailable:
    """The error for a socket that failed."""
    what = " ".join(str(error).split()) or type(error).__name__
    return StoreUnavailable(
        f"{where}: can't be reached ({what}); see whether the server runs, and whether the URL is"
        " right"
    )


def silent(where: str, timeout: float) -> StoreTimeout:
    """The error for a server that doesn't answer."""
    return StoreTimeout(
        f"{where}: no answer within {timeout:g} s, and what was asked may have been done or not;"
        " see whether the server hangs, or raise the store's timeout"
    )


def all_busy(where: str, timeout: float) -> StoreTimeout:
    """The error for a process that does too much at once."""
    return StoreTimeout(
        f"{where}: all connections of this process were busy for {timeout:g} s; raise"
        " max_connections of the store, or make fewer calls at once"
    )
