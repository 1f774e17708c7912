"""Which settings a command works with: those of a Django project, or a URL."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .. import configuration
from ._status import WRONG_USE, CommandFailed


def arguments(parser: argparse.ArgumentParser, store: str = "default") -> None:
    """`--settings`, `--url`, `--store`, `--import`.

    Args:
        parser: gets them.
        store: the one that is meant where none is said.
    """
    group = parser.add_argument_group("which state")
    group.add_argument(
        "--settings",
        metavar="MODULE",
        help="Django's settings, such as mysite.settings; default: DJANGO_SETTINGS_MODULE",
    )
    group.add_argument(
        "--url",
        help="where the store is, such as redis://127.0.0.1/0; default: what the settings say",
    )
    group.add_argument(
        "--store",
        metavar="NAME",
        default=store,
        help=f'which of the stores in HOLDFAST["STORES"]; default: "{store}"',
    )
    group.add_argument(
        "--import",
        dest="imported",
        metavar="MODULE",
        action="append",
        default=[],
        help="import it first: values of a class are read only where the class has been imported",
    )


@contextlib.contextmanager
def applied(options: argparse.Namespace) -> Iterator[None]:
    """Set up Django, if it is asked for, and apply its settings and the URL, while the block runs.

    Raises:
        CommandFailed: the settings can't be used, or a module can't be imported.
    """
    # As of `python -m`: modules are found where the command was typed.
    here = str(Path.cwd())
    if "" not in sys.path and here not in sys.path:
        sys.path.insert(0, here)
    if options.settings:
        os.environ["DJANGO_SETTINGS_MODULE"] = options.settings
    given: Mapping[str, Any] = {}
    if os.environ.get("DJANGO_SETTINGS_MODULE") or _django_runs():
        given = _set_up_django()
    for module in options.imported:
        try:
            importlib.import_module(module)
        except Exception as error:
            raise CommandFailed(f"{module} can't be imported: {error}", WRONG_USE) from error
    if not options.url:
        yield
        return
    try:
        stores = {**given.get("STORES", {}), options.store: options.url}
        configuration.apply({**given, "STORES": stores})
    except configuration.ConfigurationError as error:
        raise CommandFailed(f"--url: {error}", WRONG_USE) from error
    try:
        yield
    finally:
        configuration.apply(given)


def _django_runs() -> bool:
    conf = sys.modules.get("django.conf")
    return conf is not None and bool(conf.settings.configured)


def _set_up_django() -> Mapping[str, Any]:
    """The setting HOLDFAST, as it was applied."""
    try:
        import django
        from django.apps import apps
        from django.conf import settings

        if not apps.ready:
            django.setup()
    except Exception as error:
        named = os.environ.get("DJANGO_SETTINGS_MODULE")
        raise CommandFailed(
            f"Django's settings {named!r} can't be used: {type(error).__name__}: {error}", WRONG_USE
        ) from error
    try:
        given = configuration.validated(getattr(settings, "HOLDFAST", {}))
    except configuration.ConfigurationError as error:
        raise CommandFailed(str(error), WRONG_USE) from error
    if given and not apps.is_installed("holdfast.django"):
        raise CommandFailed(
            'The setting HOLDFAST is not applied: add "holdfast.django" to INSTALLED_APPS.',
            WRONG_USE,
        )
    return given
