"""The one dict of settings: `HOLDFAST` in Django's settings, `holdfast.configure` elsewhere."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from .scope.autocarry import KINDS, carry_automatically
from .spelling import ConfigurationError, meant

__all__ = ["ConfigurationError", "apply", "configure", "meant", "setting", "validated"]


def configure(settings: Mapping[str, Any]) -> None:
    """Apply settings, where there is no Django to do it. Before first use, in each process.

        holdfast.configure({
            "CARRY": ["threads", "executors", "greenlets"],
            "STORES": {"default": "redis://127.0.0.1/0"},
        })

    Args:
        settings: the same dict as `HOLDFAST` in Django's settings.

            `CACHE`: how results are cached: a dict with `TIER_BYTES` (bytes of results that each
            process keeps itself; 32 MiB), `FLOOD` (how many loads of one function may come to
            nothing in ten seconds before they have to queue; 1,000; None: any number) and
            `COMMIT_TIMEOUT` (seconds that a COMMIT takes at most; 10).

            `CARRY`: kinds of work that belong to the request which starts them without
            `holdfast.carry`: any of "threads", "executors", "greenlets". Default: none.

            `STORES`: where shared state is, by name: a URL, or a dict with `URL`, `TIMEOUT`
            (seconds after which a call is given up) and options of that kind of store. "default"
            is used unless another is named; if it isn't set, it is on this machine.

            `KEY`: what pickles are signed with: a text or bytes of 16 characters or more, or a list
            of them, of which the first signs and all are accepted. Default: Django's `SECRET_KEY`
            and `SECRET_KEY_FALLBACKS`; without Django, none.

            `LOG`: what the request log writes and where: a dict, described in "The request log".

            `PICKLE`: False forbids to pickle what is not plain data. Default: True.

            `COMPRESS_ABOVE`: bytes from which on it is tried to make a value smaller; None: never.
            Default: 32,768.

    Raises:
        ConfigurationError: a key or value is unknown. Nothing has been applied then.
    """
    apply(settings)


Secret = str | bytes

#: The settings as they were applied last, and the keys to sign with where they have none.
_applied: Mapping[str, Any] = {}
_fallback_secrets: Callable[[], Sequence[Secret]] = tuple
#: The directory that names the project, where the framework knows it.
project: str | None = None
#: Called when settings were applied.
listeners: list[Callable[[], object]] = []


def apply(
    settings: Mapping[str, Any],
    secrets: Callable[[], Sequence[Secret]] | None = None,
    base: str | None = None,
) -> None:
    """`configure`, for a framework.

    Args:
        settings: as for `configure`.
        secrets: the framework's own keys, the current one first. They sign where the settings
            have no `KEY`. Called when something is signed, so that it may raise where there is
            none. None: as they were.
        base: the project's own directory, by which its embedded store is found. None: as it was;
            without any, the directory that the process was started in.
    """
    global _applied, _fallback_secrets, project
    carry = validated(settings).get("CARRY", ())
    carry_automatically(frozenset(carry))
    _applied = settings
    if secrets is not None:
        _fallback_secrets = secrets
    if base is not None:
        project = base
    for listener in listeners:
        listener()


def setting(key: str, default: Any) -> Any:
    """What was applied for *key*."""
    return _applied.get(key, default)


def secrets() -> Sequence[Secret]:
    """The keys that signatures are made with (the first one) and may have been made with."""
    key = _applied.get("KEY")
    if key is None:
        return _fallback_secrets()
    return (key,) if isinstance(key, str | bytes) else key


def validated(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """*settings* as they are, if each key and value is known."""
    if not isinstance(settings, Mapping):
        raise ConfigurationError(f"HOLDFAST must be a dict, not {settings!r}.")
    for key in settings:
        if key not in _KEYS:
            raise ConfigurationError(f"HOLDFAST has no key {key!r}.{meant(key, _KEYS)}")
    for key, validate in _KEYS.items():
        if key in settings:
            validate(settings[key])
    return settings


def _validate_cache(cache: Any) -> None:
    from .cache_settings import validated_cache  # those who set nothing need none of it

    validated_cache(cache)


def _validate_carry(carry: Any) -> None:
    is_list = isinstance(carry, Collection) and not isinstance(carry, str)
    if not is_list or not all(isinstance(kind, str) for kind in carry):
        raise ConfigurationError(
            f"HOLDFAST['CARRY'] must be a list such as ['threads'], not {carry!r}."
        )
    for kind in carry:
        if kind not in KINDS:
            raise ConfigurationError(
                f"HOLDFAST['CARRY'] knows no {kind!r}.{meant(kind, sorted(KINDS))}"
            )


def _validate_stores(stores: Any) -> None:
    if not isinstance(stores, Mapping) or not all(isinstance(name, str) for name in stores):
        raise ConfigurationError(
            "HOLDFAST['STORES'] must be a dict such as {'default': 'redis://127.0.0.1/0'},"
            f" not {stores!r}."
        )
    for name, store in stores.items():
        _validate_store(f"HOLDFAST['STORES'][{name!r}]", store)


def _validate_store(place: str, store: Any) -> None:
    if isinstance(store, str):
        store = {"URL": store}
    if not isinstance(store, Mapping):
        raise ConfigurationError(
            f"{place} must be a URL such as 'redis://127.0.0.1/0', or a dict with the key 'URL',"
            f" not {store!r}."
        )
    for key in store:
        if key not in _STORE_KEYS:
            if not isinstance(key, str) or not key.isupper():
                raise ConfigurationError(f"{place} has no key {key!r}.{meant(key, _STORE_KEYS)}")
            close = difflib.get_close_matches(key, _STORE_KEYS, n=1, cutoff=0.75)
            if close:
                raise ConfigurationError(f"{place} has no key {key!r}. Did you mean {close[0]!r}?")
    url = store.get("URL")
    if not isinstance(url, str) or ":" not in url:
        raise ConfigurationError(
            f"{place} must have a URL such as 'redis://127.0.0.1/0', not {url!r}."
        )
    timeout = store.get("TIMEOUT", 1.0)
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
        raise ConfigurationError(
            f"{place}['TIMEOUT'] must be a number of seconds above 0, not {timeout!r}."
        )


def _validate_key(key: Any) -> None:
    keys = [key] if isinstance(key, str | bytes) else key
    if key is None:
        return
    # Never show what may be a secret.
    if not isinstance(keys, Sequence) or not all(isinstance(one, str | bytes) for one in keys):
        raise ConfigurationError("HOLDFAST['KEY'] must be a text, bytes, or a list of these.")
    if not keys or any(len(one) < _SHORTEST_KEY for one in keys):
        raise ConfigurationError(
            f"HOLDFAST['KEY'] must have {_SHORTEST_KEY} characters or more: who guesses it can"
            " have any code executed that reads a pickle."
        )


def _validate_log(log: Any) -> None:
    from .log_settings import validated_log  # those who set nothing need none of it

    validated_log(log)


def _validate_pickle(pickle: Any) -> None:
    if not isinstance(pickle, bool):
        raise ConfigurationError(f"HOLDFAST['PICKLE'] must be True or False, not {pickle!r}.")


def _validate_compress_above(size: Any) -> None:
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
        raise ConfigurationError(
            f"HOLDFAST['COMPRESS_ABOVE'] must be a number of bytes, or None, not {size!r}."
        )


_KEYS: dict[str, Callable[[Any], None]] = {
    "CACHE": _validate_cache,
    "CARRY": _validate_carry,
    "COMPRESS_ABOVE": _validate_compress_above,
    "KEY": _validate_key,
    "LOG": _validate_log,
    "PICKLE": _validate_pickle,
    "STORES": _validate_stores,
}
_STORE_KEYS = ("URL", "TIMEOUT")
_SHORTEST_KEY = 16
