"""Look after cached results.

They are the project's, in the store that its settings name. So tell which project is meant: run it
as `manage.py holdfast cache …`, or give `--settings`.
"""

from __future__ import annotations

import argparse

from ...named_stores import CACHE
from .. import _settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """What all commands of this group take."""
    _settings.arguments(parser, CACHE)
