"""Show in which thread each middleware hook runs, and what the switches cost a request.

It builds the project's middleware chain as Django does when a server starts, under ASGI and under
WSGI, and measures on this machine what a switch to another thread, and back, costs. So tell which
project is meant: run it as `manage.py holdfast stack`, or give `--settings`.
"""

from __future__ import annotations

import argparse

from ._output import Output
from ._status import DONE, WRONG_USE, CommandFailed


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `stack` takes."""
    parser.add_argument(
        "--settings",
        metavar="MODULE",
        help="Django's settings, such as mysite.settings; default: DJANGO_SETTINGS_MODULE",
    )
    parser.add_argument(
        "--interface",
        choices=("asgi", "wsgi"),
        help="show the chain under this one only; default: under both",
    )
    parser.set_defaults(url=None, store="default", imported=[])


def run(options: argparse.Namespace, output: Output) -> int:
    """Show it."""
    try:
        from django.conf import settings
        from django.core.exceptions import ImproperlyConfigured
    except ModuleNotFoundError as error:
        raise CommandFailed("`stack` is about Django, which isn't installed.", WRONG_USE) from error
    if not settings.configured:
        raise CommandFailed(
            "Which project? Run it as manage.py holdfast stack, or give --settings.", WRONG_USE
        )
    from ..django.stack import report

    chosen = (options.interface,) if options.interface else ("asgi", "wsgi")
    try:
        found = report.reports(interfaces=chosen)
    except (ImproperlyConfigured, ImportError, RuntimeError) as error:
        raise CommandFailed(f"Django can't build the chain: {error}", WRONG_USE) from error
    output.record({"reports": [one.as_data() for one in found]}, report.words(found))
    return DONE
