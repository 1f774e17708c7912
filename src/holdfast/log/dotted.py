"""What a dotted path in the settings names."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..spelling import ConfigurationError


def found_at(path: str, place: str) -> Any:
    """The object at *path*, such as `shop.logs.identify`.

    Raises:
        ConfigurationError: there is none.
    """
    module, _, name = path.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"{place}: there is no {path}: {error}.") from error
