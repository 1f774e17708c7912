"""Says who made users wait, and proves it by running again without.

`examine` reads a run, `prove` has it run again with one thing made different at a time.
"""

from .blame import Blamed
from .causes import Spent
from .examined import Examined, examine
from .finding import CODES, Finding, Proof
from .ideal import Ideal
from .proof import prove
from .suspects import Attempt, Suspect
from .timeline import Cause, Slice

__all__ = [
    "CODES",
    "Attempt",
    "Blamed",
    "Cause",
    "Examined",
    "Finding",
    "Ideal",
    "Proof",
    "Slice",
    "Spent",
    "Suspect",
    "examine",
    "prove",
]
