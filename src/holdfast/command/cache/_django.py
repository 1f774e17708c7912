"""Commands that are about Django's databases."""

from __future__ import annotations

import argparse

from .._status import WRONG_USE, CommandFailed


def arguments(parser: argparse.ArgumentParser) -> None:
    """`--database`."""
    parser.add_argument(
        "--database", metavar="ALIAS", default="default", help="of DATABASES; default: default"
    )


def check_database(options: argparse.Namespace) -> None:
    """See that there is such a database.

    Raises:
        CommandFailed: there is none, or no project.
    """
    try:
        from django.conf import settings
    except ModuleNotFoundError as error:
        raise CommandFailed("This is about Django, which isn't installed.", WRONG_USE) from error
    if not settings.configured:
        raise CommandFailed(
            "Which project? Run it as manage.py holdfast cache ..., or give --settings.", WRONG_USE
        )
    if options.database not in settings.DATABASES:
        raise CommandFailed(f"DATABASES has no {options.database!r}.", WRONG_USE)
