"""redis-py's exceptions, as ours: one line that says what to do, and never a password."""

from __future__ import annotations

import redis.asyncio.sentinel as asyncio_sentinel
import redis.exceptions as theirs
from redis import sentinel

from ..errors import StoreError, StoreFull, StoreTimeout, StoreUnavailable
from .address import Address

#: What a driver has to catch around each call. Some of redis-py's are no RedisError.
CAUGHT = (theirs.RedisError, theirs.RedisClusterException, OSError, TimeoutError)

_UNAVAILABLE = (
    theirs.ConnectionError,
    theirs.RedisClusterException,
    theirs.ClusterError,
    theirs.ReadOnlyError,
    theirs.TryAgainError,
    theirs.NoPermissionError,
    OSError,
)
_REFUSED = (
    theirs.AuthenticationError,
    theirs.AuthorizationError,
    theirs.NoPermissionError,
    theirs.AuthenticationWrongNumberOfArgsError,
)


def translate(error: Exception, address: Address, timeout: float) -> StoreError:
    """What to raise instead of *error*."""
    where = address.shown
    what = _in_one_line(error, address)
    if "No connection available" in what or isinstance(error, theirs.MaxConnectionsError):
        return all_busy(address, timeout)
    if isinstance(error, (theirs.TimeoutError, TimeoutError)):
        return StoreTimeout(
            f"{where}: no answer within {timeout:g} s, and what was asked may have been done or"
            " not; see whether the server hangs, or raise the store's timeout"
        )
    if isinstance(error, theirs.OutOfMemoryError):
        return StoreFull(
            f"{where}: the server is full; raise its maxmemory, delete something, or let it evict"
            " where what is stored may be lost (maxmemory-policy)"
        )
    if isinstance(error, _REFUSED):
        return StoreUnavailable(
            f"{where}: refused ({what}); see to the user name and password in the URL, and to what"
            " that user may do"
        )
    if isinstance(error, _UNAVAILABLE):
        mend = "see whether the server runs, and whether the URL is right"
        if "CERTIFICATE_VERIFY_FAILED" in what:
            mend = (
                "name the file of the CA that signed its certificate in the URL,"
                " ?ssl_ca_certs=/path, and the host as the certificate does"
            )
        return StoreUnavailable(f"{where}: can't be reached ({what}); {mend}")
    return StoreError(f"{where}: {what}")


def all_busy(address: Address, timeout: float) -> StoreTimeout:
    """What to raise where a process does too much at once."""
    return StoreTimeout(
        f"{address.shown}: all connections of this process were busy for {timeout:g} s; raise"
        " max_connections of the store, or make fewer calls at once"
    )


def _in_one_line(error: Exception, address: Address) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, (sentinel.MasterNotFoundError, asyncio_sentinel.MasterNotFoundError)):
        text = f"no sentinel names a master for {address.service!r}"
    for secret in address.secrets:
        text = text.replace(secret, "***")
    return text.rstrip(".")
