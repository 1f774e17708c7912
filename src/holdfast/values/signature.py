"""Signatures: what was written with a key of ours, for just this place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _blake2 import blake2b as Hasher  # noqa: N812

SIZE = 32
_PURPOSE = b"holdfast pickle"  # at most 16 bytes
Secret = str | bytes


@lru_cache(maxsize=64)
def _hasher(secret: Secret) -> Hasher:
    # A key of its own for this purpose: who learns it has not learnt the secret.
    material = secret.encode("utf-8", "surrogatepass") if isinstance(secret, str) else secret
    key = blake2b(material, digest_size=64, person=_PURPOSE).digest()
    return blake2b(key=key, digest_size=SIZE)


class Keyring:
    """Keys to sign and to verify with.

    Args:
        secrets: called at each use, so that a change is noticed. The first one it returns signs,
            any of them verifies. None of them: nothing can be signed.
    """

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Callable[[], Sequence[Secret]]) -> None:
        self._secrets = secrets

    def sign(self, data: bytes, place: bytes) -> bytes | None:
        """The signature of *data* at *place*; None where there is no key."""
        for secret in self._secrets():
            return _signature(secret, data, place)
        return None

    def verify(self, signature: bytes, data: bytes, place: bytes) -> bool:
        """Whether *signature* was made by a key of ours, for this *data* at this *place*."""
        return any(
            compare_digest(signature, _signature(secret, data, place)) for secret in self._secrets()
        )


def _signature(secret: Secret, data: bytes, place: bytes) -> bytes:
    hasher = _hasher(secret).copy()
    hasher.update(len(place).to_bytes(4, "big"))
    hasher.update(place)
    hasher.update(data)
    return hasher.digest()
