"""Run a server under users that overlap, and say who makes them wait, and what crosses.

    holdfast probe --path /api/sleep/ --users 10 -- gunicorn mysite.wsgi

The command is started as it stands, with all processes that it starts, and asked by users over this
machine's own network; all of it is stopped afterwards. Whoever is suspected of making users wait is
tried: the server runs again without him. Exit status: 0 nothing was found, 1 something was (with
--compare: something became worse), 2 it was asked wrongly, or the server can't be asked.
"""

from __future__ import annotations

import argparse

from ._output import Output
from ._probe import options as own_options
from ._probe.extra import check_extra


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `probe` takes."""
    own_options.arguments(parser)


def run(options: argparse.Namespace, output: Output) -> int:
    """Run the server, send the users, and tell."""
    check_extra("holdfast probe")
    # It takes half a second to load, which who lists the commands needn't wait for.
    from ._probe.probing import probe

    return probe(options, output)
