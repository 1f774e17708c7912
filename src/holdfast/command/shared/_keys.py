"""Keys of a shared dict, as they are typed and shown."""

from __future__ import annotations

import argparse
import ast
import re
from typing import Any
from uuid import UUID

from .._status import WRONG_USE, CommandFailed

_UUID = re.compile(r"UUID\('([0-9a-f-]+)'\)")


def arguments(parser: argparse.ArgumentParser) -> None:
    """`--literal`."""
    parser.add_argument(
        "-l",
        "--literal",
        action="store_true",
        help="a key is written as Python writes it, and as `ls` shows it: 7, b'x', ('a', 1);"
        " without, it is a text as it stands",
    )


def typed_key(text: str, options: argparse.Namespace) -> Any:
    """The key that was typed.

    Raises:
        CommandFailed: it is no literal, but should be.
    """
    if not options.literal:
        return text
    identifier = _UUID.fullmatch(text)
    try:
        return UUID(identifier[1]) if identifier else ast.literal_eval(text)
    except (ValueError, SyntaxError) as error:
        raise CommandFailed(
            f"{text} is no key as Python writes it, such as 'key0', 7 or ('a', 1).", WRONG_USE
        ) from error
