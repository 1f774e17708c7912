"""Our protocol with one of its safeguards taken out: then stale reads must be found."""

from collections.abc import Callable

SAFEGUARDS: dict[str, Callable[[], None]] = {}


def take_out(name: str) -> None:
    SAFEGUARDS[name]()
