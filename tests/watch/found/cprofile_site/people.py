"""Two who profile two views."""

from visit import Visit


def visits():
    return [Visit("/apples/?prof"), Visit("/pears/?prof")]
