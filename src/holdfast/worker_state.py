"""Says that a piece of state is one worker's on purpose."""

from __future__ import annotations

import sys
from typing import Any, TypeVar

_T = TypeVar("_T")

#: What was declared, by identity, with the names of its attributes; none: all of it. Kept for
#: as long as the process lives, as the state itself is.
_declared: dict[int, tuple[object, frozenset[str]]] = {}


def worker_state(thing: _T, *names: str) -> _T:
    """Declare that requests of one worker share *thing* on purpose: a cache, a counter, a registry.

    The request sanitizer (`holdfast watch`) and the doctor then say nothing about it. It changes
    nothing else: other workers don't see this state; for that there is `holdfast.shared`.

        rates = holdfast.worker_state({})
        last_reload = None
        holdfast.worker_state(__name__, "last_reload")   # a global of this module

    And `holdfast.worker_state(Meter, "calls")` an attribute of a class and its objects.

    Args:
        thing: a container, an object, a class (then also its subclasses and their objects), or the
            name of a loaded module.
        names: the attributes, or globals, that are meant; default: all. For a module at least one.

    Returns:
        What was given.

    Raises:
        ValueError: a string that isn't the name of a loaded module, or no names of its globals.

    Costs about a microsecond and never blocks. What is declared is kept until the process ends.
    """
    target: object = thing
    if isinstance(thing, str):
        target = sys.modules.get(thing)
        if target is None or not names:
            raise ValueError(
                f"worker_state({thing!r}): give the module's __name__ and names of its globals,"
                ' such as worker_state(__name__, "last_reload")'
            )
    known = _declared.get(id(target))
    if names and (known is None or known[1]):
        _declared[id(target)] = (target, frozenset(names) | (known[1] if known else frozenset()))
    else:
        _declared[id(target)] = (target, frozenset())
    return thing


def is_declared(thing: object, name: object = None) -> bool:
    """Whether *thing*, or its attribute *name*, was declared, itself or through its class."""
    # By its type: a proxy may say that it is something else.
    kind: Any = thing if issubclass(type(thing), type) else type(thing)
    for owner in (thing, *kind.__mro__):
        found = _declared.get(id(owner))
        if found is not None and (not found[1] or name in found[1]):
            return True
    return False
