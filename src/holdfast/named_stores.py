"""The stores of this process, by name, as the settings have them.

Opened when first used, and once; a store reopens itself after a fork. Settings that are applied
later close what they change.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from . import configuration, framework
from .values import Codec
from .values.compression import WORTH_TRYING

if TYPE_CHECKING:
    from .stores.async_protocol import AsyncStore
    from .stores.protocol import Store

#: Where "default" is, if the settings don't say: on this machine, in this project's own directory.
EMBEDDED = "lmdb://"

#: Where cached results are, unless it is said; if the settings don't have it, where "default" is.
CACHE = "cache"

_opened: dict[str, tuple[Any, Store]] = {}
_codec: Codec | None = None
#: Called with the name of each store that is opened, and the store: returns what takes its place.
on_open: list[Callable[[str, Store], Store]] = []


def store(name: str) -> Store:
    """The store of that name.

    Raises:
        ConfigurationError: the settings have none.
        StoreError: it can't be opened. The message says what to do.
    """
    try:
        return _opened[name][1]
    except KeyError:
        pass
    return _open(name)


def asynchronous(name: str) -> AsyncStore:
    """The same store, with methods to be awaited."""
    return store(name).asynchronous


def _open(name: str) -> Store:
    settings = _settings_of(name)
    written = name if name in configuration.setting("STORES", {}) else "default"
    opened = _made(name, settings, f"HOLDFAST['STORES'][{written!r}]")
    for replace in on_open:
        opened = replace(name, opened)
    # Opening is lazy, so it doesn't matter that two threads may come here at once. No lock, which a
    # fork could leave locked.
    return _opened.setdefault(name, (settings, opened))[1]


def fault(name: str, given: str | Mapping[str, Any]) -> str | None:
    """What is wrong with a store's settings, or None. Connects to nothing, and makes no file."""
    from .stores import StoreError

    place = f"HOLDFAST['STORES'][{name!r}]"
    try:
        # It isn't closed: nothing is open yet, and an embedded file's other stores would be, too.
        _made(name, _as_dict(given), place)
    except (StoreError, TypeError, ValueError) as error:
        said = str(error)
        return said if said.startswith(place) else f"{place}: {said}"
    return None


def _made(name: str, settings: Mapping[str, Any], place: str) -> Store:
    from .stores import StoreError, open_store
    from .stores.options import options_of

    known, shown = options_of(settings["URL"])
    for key in settings:
        if key not in known:
            raise StoreError(f"{place} has no option {key!r}.{configuration.meant(key, shown)}")
    options = {key.lower(): value for key, value in settings.items()}
    if options["url"] == EMBEDDED and configuration.project is not None:
        options.setdefault("project", configuration.project)
    if name == CACHE:
        # Full, it evicts; an embedded one has a file of its own, apart from the state in "default".
        options.setdefault("purpose", "cache")
    commit_timeout = configuration.setting("CACHE", {}).get("COMMIT_TIMEOUT")
    if commit_timeout is not None:
        options.setdefault("commit_timeout", commit_timeout)
    return open_store(options.pop("url"), **options)


def forget(name: str) -> Store | None:
    """Have the store of that name opened anew when it is used next. The one it was, if any."""
    found = _opened.pop(name, None)
    return None if found is None else found[1]


def _settings_of(name: str) -> Mapping[str, Any]:
    stores = configuration.setting("STORES", {})
    if name in stores:
        return _as_dict(stores[name])
    if name == CACHE:
        return _settings_of("default")
    if name == "default":
        in_tests = framework.in_tests is not None and framework.in_tests()
        return {"URL": _url_in_tests() if in_tests else EMBEDDED}
    known = sorted({"default", CACHE, *stores})
    raise configuration.ConfigurationError(
        f"HOLDFAST['STORES'] has no store {name!r}.{configuration.meant(name, known)}"
    )


def _as_dict(settings: str | Mapping[str, Any]) -> Mapping[str, Any]:
    return {"URL": settings} if isinstance(settings, str) else dict(settings)


_of_tests: str | None = None


def _url_in_tests() -> str:
    """An embedded store of this process and its forks, removed at its end.

    What the project's tests do is nobody else's, and begins with nothing.
    """
    global _of_tests
    if _of_tests is None:
        import atexit
        import tempfile

        folder = tempfile.mkdtemp(prefix="holdfast-tests-")
        atexit.register(_remove, folder, os.getpid())
        _of_tests = f"{EMBEDDED}{folder}"
    return _of_tests


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # a fork ends before
        import shutil

        shutil.rmtree(folder, ignore_errors=True)


def codec() -> Codec:
    """What turns values into bytes and back, as the settings have it."""
    return _codec or _make_codec()


def _make_codec() -> Codec:
    global _codec
    _codec = Codec(
        configuration.secrets,
        pickled=configuration.setting("PICKLE", True),
        compress_above=configuration.setting("COMPRESS_ABOVE", WORTH_TRYING),
    )
    return _codec


def _apply_new_settings() -> None:
    global _codec
    _codec = None
    for name, (settings, opened) in list(_opened.items()):
        try:
            unchanged = _settings_of(name) == settings
        except configuration.ConfigurationError:
            unchanged = False
        if not unchanged:
            del _opened[name]
            opened.close()


configuration.listeners.append(_apply_new_settings)
