"""The command `holdfast`: finds what is asked for among `holdfast.command`, and runs it.

`python -m holdfast` and `manage.py holdfast` are the same command.
"""

from __future__ import annotations

import argparse
import difflib
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from pkgutil import iter_modules
from types import ModuleType
from typing import NoReturn, TextIO

from . import command
from .command._output import Output
from .command._settings import applied
from .command._status import DONE, STORE_FAILED, WRONG_USE, CommandFailed
from .configuration import ConfigurationError

_INTERRUPTED = 130
_HELP = frozenset({"-h", "--help"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status.

    0: done. 1: what was asked for isn't there; `doctor`: there is something to tell of. 2: it was
    asked wrongly, or the settings are wrong. 3: the store could not do it. 4: cached results were
    found wrong. 130: interrupted.

    Args:
        arguments: without the program's name; default: those of this process.
    """
    try:
        status = run(sys.argv[1:] if arguments is None else arguments, sys.stdout)
        sys.stdout.flush()
    except CommandFailed as failure:
        sys.stderr.write(f"holdfast: {failure}\n")
        return failure.status
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output (`head`) has seen enough. Nothing is left to be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return status


def run(words: Sequence[str], stream: TextIO, program: str = "holdfast") -> int:
    """Run the command that *words* say, and return its exit status.

    Args:
        words: such as `["shared", "ls", "--json"]`.
        stream: where its output goes to.
        program: what the user typed before the words.

    Raises:
        CommandFailed: it could not be done. The message says why.
    """
    if list(words) == ["--version"]:
        stream.write(f"holdfast {version('holdfast')}\n")
        return DONE
    found: ModuleType = command
    parents = []
    rest = list(words)
    while hasattr(found, "__path__"):
        if not rest or rest[0] in _HELP:
            stream.write(_overview(found, program))
            return DONE if rest else WRONG_USE
        parents.append(found)
        found = _command(found, rest[0], program)
        program = f"{program} {rest.pop(0)}"
    parser = _parser(found, parents, program)
    return _run(found.run, _parsed(parser, rest, program), stream)


def _parsed(parser: argparse.ArgumentParser, words: list[str], program: str) -> argparse.Namespace:
    """Options may stand among arguments; not so after "--", from where on there are none."""
    if "--" in words:
        return parser.parse_args(words)
    options, unknown = parser.parse_known_intermixed_args(words)
    server = getattr(options, "server", None)
    if unknown and server and unknown[0] in words:
        begins = words.index(server[0])
        if begins < words.index(unknown[0]):
            # An option of the server, which is none of ours.
            meant = shlex.join([*program.split(), *words[:begins], "--", *words[begins:]])
            raise CommandFailed(f"Put `--` before the server's command: {meant}", WRONG_USE)
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return options


def _run(
    function: Callable[[argparse.Namespace, Output], int],
    options: argparse.Namespace,
    stream: TextIO,
) -> int:
    output = Output(stream, as_json=options.json)
    try:
        if not hasattr(options, "settings"):
            return function(options, output)
        with applied(options):
            return function(options, output)
    except ConfigurationError as error:
        raise CommandFailed(str(error), WRONG_USE) from error
    except TypeError as error:
        if type(error) is TypeError:
            raise
        raise CommandFailed(str(error), WRONG_USE) from error
    except Exception as error:
        # Not imported before it is needed: a command without a store works without them.
        from .stores.errors import StoreError

        if isinstance(error, StoreError):
            raise CommandFailed(str(error), STORE_FAILED) from error
        raise


def _names(group: ModuleType) -> list[str]:
    return sorted(
        found.name for found in iter_modules(group.__path__) if not found.name.startswith("_")
    )


def _command(group: ModuleType, name: str, program: str) -> ModuleType:
    known = _names(group)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        what = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
        if name.startswith("-"):
            what = f"Options stand after the command, which is one of: {', '.join(known)}."
        raise CommandFailed(f"{program} knows no {name!r}. {what}", WRONG_USE)
    try:
        return import_module(f"{group.__name__}.{name}")
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.partition(".")[0] == __package__:
            raise
        raise CommandFailed(
            f"{program} {name} needs the package {missing}, which is not installed: pip install"
            " 'holdfast[all]', or the extra for your store, such as 'holdfast[lmdb]'.",
            WRONG_USE,
        ) from error


def _overview(group: ModuleType, program: str) -> str:
    names = _names(group)
    width = max(map(len, names))
    lines = [f"  {name.ljust(width)}  {_summary(group, name, program)}" for name in names]
    about = "" if group is command else f"{(group.__doc__ or '').strip()}\n\n"
    return f"usage: {program} COMMAND [--help] ...\n\n{about}" + "\n".join(lines) + "\n"


def _summary(group: ModuleType, name: str, program: str) -> str:
    try:
        module = _command(group, name, program)
    except CommandFailed as failure:
        return f"({failure})"
    return (module.__doc__ or "").strip().partition("\n")[0]


class _Parser(argparse.ArgumentParser):
    """A parser that raises where argparse would end the process."""

    def error(self, message: str) -> NoReturn:
        raise CommandFailed(f"{message}\n{self.format_usage().strip()}", WRONG_USE)


def _parser(module: ModuleType, parents: Sequence[ModuleType], program: str) -> _Parser:
    parser = _Parser(
        prog=program,
        description=(module.__doc__ or "").strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="output for programs")
    for described in (module, *parents):
        add = getattr(described, "arguments", None)
        if add is not None:
            add(parser)
    return parser
