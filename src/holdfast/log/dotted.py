"""What a dotted path in the settings names."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..spelling import ConfigurationError


def found_at(path: str, place: str) -> Any:
    """The function at *path*, such as `shop.logs.identify`.

    Raises:
        ConfigurationError: there is none, or its module can't be imported.
    """
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except Exception as error:  # what a module raises while it is imported may be anything
        raise ConfigurationError(f"{place}: there is no {path}: {error}.") from error
    if not callable(found):
        raise ConfigurationError(f"{place}: {path} is no function, but {found!r:.100}.")
    return found
