"""Two who ask for the same page, with other words."""

from visit import Visit


def visits():
    return [Visit("/?of=alice"), Visit("/?of=bob")]
