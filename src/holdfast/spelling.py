"""What configuration errors have in common: their class, and the name that was meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection


class ConfigurationError(ValueError):
    """The settings hold something that Holdfast can't make sense of."""

    __module__ = "holdfast.configuration"


def meant(given: object, known: Collection[str]) -> str:
    """The end of an error's message: which of the *known* names was meant, or which there are."""
    close = difflib.get_close_matches(str(given).upper(), [name.upper() for name in known], n=1)
    for name in known:
        if close and name.upper() == close[0]:
            return f" Did you mean {name!r}?"
    return f" Known: {', '.join(known)}."
