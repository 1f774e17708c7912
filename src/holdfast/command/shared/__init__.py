"""Look at state that all workers share, and change it.

It is the state of `holdfast.shared`, in the store that the project's settings name. So tell which
project is meant: run it as `manage.py holdfast shared …`, or give `--settings` or the store's
`--url`.
"""

from __future__ import annotations

import argparse

from .. import _settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """What all commands of this group take."""
    _settings.arguments(parser)
