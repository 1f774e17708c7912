"""Values of the cache as bytes: as those of shared state, with Django's own keys to sign with."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from ...configuration import secrets as configured_secrets
from ...values import Codec
from ...values.compression import WORTH_TRYING
from ...values.errors import NotStorable


class NotCacheable(NotStorable, pickle.PicklingError):
    """A value that can't be stored. The message names the key, the type, and what to do.

    A `PicklingError`, too, which is what Django's own backends raise.
    """


def make_codec(options: Mapping[str, Any]) -> Codec:
    """What turns values into bytes and back.

    Works without `holdfast.django` in `INSTALLED_APPS`: what of `HOLDFAST` concerns values is read
    from the settings themselves.
    """
    configured = {**getattr(settings, "HOLDFAST", {}), **options}
    return Codec(
        _secrets,
        pickled=configured.get("PICKLE", True),
        compress_above=configured.get("COMPRESS_ABOVE", WORTH_TRYING),
    )


def _secrets() -> Sequence[str | bytes]:
    key = getattr(settings, "HOLDFAST", {}).get("KEY")
    if key is not None:
        return (key,) if isinstance(key, str | bytes) else key
    return configured_secrets() or (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
