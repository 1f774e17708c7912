"""The packages that only the probe's users need."""

from __future__ import annotations

from importlib.util import find_spec

from .._status import WRONG_USE, CommandFailed

#: As the extra `probe` has them, by the names that they are imported by.
_PACKAGES = ("aiohttp", "psutil", "yaml", "rich")


def check_extra(what: str) -> None:
    """See that they are installed.

    Args:
        what: what they are needed for.

    Raises:
        CommandFailed: one is missing.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise CommandFailed(
            f"{what} needs {', '.join(missing)}: pip install 'holdfast[probe]'.", WRONG_USE
        )
