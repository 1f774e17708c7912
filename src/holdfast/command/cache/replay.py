"""Announce what stands in the outbox: changes while the store was away, or outside of Django."""

from __future__ import annotations

import argparse
import time

from .._output import Output
from .._status import DONE
from . import _django

#: Seconds after which the outbox is looked at in any case.
_INTERVAL = 1.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `replay` takes."""
    parser.add_argument(
        "--follow", action="store_true", help="go on for ever, and announce what comes at once"
    )
    _django.arguments(parser)


def run(options: argparse.Namespace, output: Output) -> int:
    """Do it."""
    _django.check_database(options)
    from ...django.tracking import outbox, triggers

    alias = options.database
    if not options.follow:
        done = outbox.replay(alias)
        output.record({"replayed": done}, f"{done} replayed")
        return DONE
    while True:
        done = outbox.replay(alias)
        if done:
            output.record({"replayed": done}, f"{done} replayed")
        if not triggers.wait(alias, _INTERVAL):
            time.sleep(_INTERVAL)
