"""Make results untrue: no worker serves them from now on.

    holdfast cache invalidate user:7 users           tags, as in cached(tags=...)
    holdfast cache invalidate --function shop.prices.total 7
    holdfast cache invalidate --function shop.prices.total       for all arguments
    holdfast cache invalidate --model shop.Article:7
    holdfast cache invalidate --view article-detail pk=7
    holdfast cache invalidate --everything           all results there are

Arguments are written as in Python, and what is no Python is a text. It is done when the command has
ended with status 0; what is being loaded just then is not stored.
"""

from __future__ import annotations

import argparse
from typing import Any

from ... import named_stores
from .._output import Output
from .._status import DONE, NOT_THERE, WRONG_USE, CommandFailed
from . import _what


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `invalidate` takes."""
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--function", metavar="NAME", help="of which the words are arguments")
    kind.add_argument("--model", metavar="APP.MODEL[:PK]", help="the table, or one row of it")
    kind.add_argument(
        "--view", metavar="NAME", help="a URL's name, or a view's; the words are its arguments"
    )
    kind.add_argument("--everything", action="store_true", help="delete all results of the store")
    parser.add_argument("word", nargs="*", metavar="TAG", help="or an argument")
    parser.add_argument(
        "--database", metavar="ALIAS", help="of --model; default: as the router says"
    )


def run(options: argparse.Namespace, output: Output) -> int:
    """Do it."""
    if options.function:
        what = _function(options)
    elif options.model:
        what = _model(options)
    elif options.view:
        what = _view(options)
    elif options.everything:
        what = _everything(options)
    else:
        what = _tags(options)
    output.record({"store": options.store, "invalidated": what}, f"made untrue: {what}")
    return DONE


def _tags(options: argparse.Namespace) -> str:
    from ...cache.tagging import invalidate

    if not options.word:
        raise CommandFailed(
            "Say what: tags, --function, --model, --view or --everything.", WRONG_USE
        )
    invalidate(*options.word, store=options.store)
    return ", ".join(options.word)


def _function(options: argparse.Namespace) -> str:
    from ...cache import consistency as consistencies
    from ...cache.tagging import key_tag

    found = _what.known_function(options.function)
    options.store = found.store
    tag, what = found.tag, f"all results of {found.policy.name}"
    if options.word:
        key = _what.key_of(found, options.word)
        tag, what = key_tag(key), f"the result of {found.policy.name}({', '.join(options.word)})"
    consistencies.consistency.invalidate(found.store, [tag])
    return what


def _model(options: argparse.Namespace) -> str:
    _what.need_django("--model")
    from django.apps import apps

    from ...django.invalidation import invalidate, invalidate_row

    if options.word:
        raise CommandFailed(
            "--model takes the primary key after a colon: shop.Article:7", WRONG_USE
        )
    label, _, key = options.model.partition(":")
    if label.count(".") != 1:
        raise CommandFailed("--model: write app.Model, such as shop.Article.", WRONG_USE)
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError) as error:
        raise CommandFailed(f"--model: {error}", WRONG_USE) from error
    if not key:
        invalidate(model, using=options.database)
        return f"all that was made of {model._meta.label}"  # noqa: SLF001 - documented by Django
    try:
        invalidate_row(model, key, using=options.database)
    except (ValueError, TypeError) as error:
        raise CommandFailed(f"{key!r} is no primary key of {label}: {error}", WRONG_USE) from error
    return f"all that was made of {model._meta.label} {key}"  # noqa: SLF001


def _view(options: argparse.Namespace) -> str:
    _what.need_django("--view")
    from django.urls import NoReverseMatch

    from ...django.invalidation import invalidate
    from ._views import doubt

    args, kwargs = _what.values(options.word)
    doubtful = doubt(options.view)
    try:
        # All the same: a middleware may put another URLconf in the place of ROOT_URLCONF.
        invalidate(options.view, *args, **kwargs)
    except NoReverseMatch as error:
        if doubtful is None:
            raise CommandFailed(str(error), WRONG_USE) from error
    if doubtful is not None:
        raise CommandFailed(doubtful, NOT_THERE)
    return f"pages of {options.view}" + (f" for {' '.join(options.word)}" if options.word else "")


def _everything(options: argparse.Namespace) -> str:
    if options.word:
        raise CommandFailed("--everything takes no tags.", WRONG_USE)
    tags: Any = named_stores.store(options.store).tags
    tags.clear()
    return "all results"
