"""Python values as bytes, and back. What is read is never executed.

Plain data has a compact form of its own. Anything else is pickled, and signed, so that only what
was written with a key of ours is ever unpickled.
"""

from .codec import MISSING, Codec, Missing
from .signature import Keyring

__all__ = ["MISSING", "Codec", "Keyring", "Missing"]
