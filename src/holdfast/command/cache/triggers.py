"""Install triggers in PostgreSQL that tell of changes made outside of Django, or remove them.

Repeat it after migrations that make tables. Set HOLDFAST["CACHE"]["TRIGGERS"] = True, and, unless
versions are in the database, keep `holdfast cache replay --follow` running.
"""

from __future__ import annotations

import argparse

from .._output import Output
from .._status import DONE, WRONG_USE, CommandFailed
from . import _django


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `triggers` takes."""
    parser.add_argument("action", choices=("install", "remove", "list"))
    _django.arguments(parser)


def run(options: argparse.Namespace, output: Output) -> int:
    """Do it."""
    _django.check_database(options)
    from django.db import connections

    from ...django.tracking import triggers

    alias = options.database
    try:
        if options.action == "install":
            tables = triggers.install(alias)
        elif options.action == "remove":
            tables = triggers.remove(alias)
        else:
            with connections[alias].cursor() as cursor:
                vendor = connections[alias].vendor
                tables = triggers.installed(cursor) if vendor == "postgresql" else []
    except triggers.NoTriggers as error:
        raise CommandFailed(str(error), WRONG_USE) from error
    output.rows([{"table": table} for table in tables], "no table has a trigger")
    return DONE
