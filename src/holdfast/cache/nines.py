"""What a sample says of the whole: how consistent what is served is, at least."""

from __future__ import annotations

import math

#: How sure the bound is.
CONFIDENCE = 0.95
_HALVINGS = 100


def worst_share(wrong: int, compared: int, confidence: float = CONFIDENCE) -> float:
    """The highest share of wrong ones that such a sample still allows, with that confidence.

    The exact one-sided bound of Clopper and Pearson. Where none was wrong it is about 3 divided by
    how many were compared: the rule of three.
    """
    if compared <= 0 or wrong >= compared:
        return 1.0
    low, high = wrong / compared, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _at_most(wrong, compared, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(wrong: int, compared: int, share: float) -> float:
    """How likely so few wrong ones are, if that share of all is."""
    if share <= 0.0:
        return 1.0
    if share >= 1.0:
        return 0.0
    log_share, log_rest = math.log(share), math.log1p(-share)
    total = 0.0
    for number in range(wrong + 1):
        ways = math.lgamma(compared + 1)
        ways -= math.lgamma(number + 1) + math.lgamma(compared - number + 1)
        total += math.exp(ways + number * log_share + (compared - number) * log_rest)
    return min(1.0, total)


def nines(share: float) -> float:
    """A share of wrong ones as nines: 0.001 is 3, for 99.9 % are right."""
    return math.inf if share <= 0 else max(0.0, -math.log10(share))
