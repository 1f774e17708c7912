"""How long Hypothesis looks; `python -m tests.log fuzz` has it look longer."""

import os

from hypothesis import settings

TIMES = int(os.environ.get("FUZZ_TIMES", "1"))


def examples(number: int) -> settings:
    """So many, in an ordinary run."""
    return settings(max_examples=number * TIMES, deadline=None)
