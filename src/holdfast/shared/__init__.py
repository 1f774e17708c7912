"""State that all workers see: a dict, a counter, a lock, a stream of changes.

With no setting it is shared by all workers of this machine. `HOLDFAST["STORES"]` says where else it
may be; each name there is a store of its own.
"""

from ..stores.errors import (
    StoreError,
    StoreFull,
    StoreTimeout,
    StoreUnavailable,
    UnsupportedByStoreError,
)
from ..values import MISSING, Missing
from ..values.errors import NotStorable, UnreadableValue
from .counters import Counter
from .dicts import Dict
from .errors import (
    AlreadyHeld,
    ChangeTimeout,
    Gap,
    LockLost,
    LockTimeout,
)
from .locks import Holding, Lock
from .streams import Change, Stream

# What users write. The classes themselves, so that they can be annotated with, too.
dict = Dict  # noqa: A001 - `holdfast.shared.dict` reads as what it is
counter = Counter
lock = Lock
stream = Stream

__all__ = [
    "MISSING",
    "AlreadyHeld",
    "Change",
    "ChangeTimeout",
    "Counter",
    "Dict",
    "Gap",
    "Holding",
    "Lock",
    "LockLost",
    "LockTimeout",
    "Missing",
    "NotStorable",
    "StoreError",
    "StoreFull",
    "StoreTimeout",
    "StoreUnavailable",
    "Stream",
    "UnreadableValue",
    "UnsupportedByStoreError",
    "counter",
    "dict",
    "lock",
    "stream",
]
