"""The kind of request state that is on trial, chosen by the environment.

Each has the same five names: put, read, clear, carry, wait_until_over.
"""

import importlib
import os

NAME = os.environ.get("CONFORMANCE_SUBJECT", "holdfast")
_chosen = importlib.import_module(
    {
        "holdfast": "target.subject.with_holdfast",
        "holdfast-middleware": "target.subject.with_holdfast",
        "threadlocal": "target.subject.with_threadlocal",
        "contextvar": "target.subject.with_contextvar",
        # The same, left as it is when the request ends:
        "threadlocal-kept": "target.subject.with_threadlocal",
        "contextvar-kept": "target.subject.with_contextvar",
    }[NAME]
)
HOLDFAST = NAME.startswith("holdfast")
WRAPPED = NAME == "holdfast"
ABOVE_OURS = WRAPPED or not HOLDFAST
"""Whether there is request state above our middleware already."""

put = _chosen.put
read = _chosen.read
clear = _chosen.clear if not NAME.endswith("-kept") else lambda: None
carry = _chosen.carry
wait_until_over = _chosen.wait_until_over
