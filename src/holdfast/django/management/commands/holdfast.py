"""`manage.py holdfast …`: the command `holdfast`, with the project's settings."""

from __future__ import annotations

import argparse
import sys
from typing import Any, TextIO, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser

from .... import cli
from ....command._status import CommandFailed


class Command(BaseCommand):
    """Passes all words on to `holdfast.cli`."""

    help = "Look at shared state, and change it: manage.py holdfast shared ls"
    # Looking at state must be possible while something else is wrong.
    requires_system_checks = []  # noqa: RUF012 - as Django has it

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Django's parser, which leaves `--help` after a command to that command."""
        kwargs.setdefault("allow_abbrev", False)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        """All words."""
        parser.add_argument("words", nargs=argparse.REMAINDER, help="as of the command `holdfast`")

    def handle(self, *args: Any, words: list[str], **options: Any) -> None:
        """Run it. Raises CommandError with its exit status, where that isn't 0."""
        try:
            status = cli.run(words, cast("TextIO", self.stdout), "manage.py holdfast")
        except CommandFailed as failure:
            raise CommandError(str(failure), returncode=failure.status) from failure
        if status:
            sys.exit(status)
