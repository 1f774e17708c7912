"""What a view is made with, as text for keys: more kinds of values than a request has.

What is added to `canonical` says nothing by itself: whoever uses it does so in the run, where it is
seen which rows a query finds and what a function reads.
"""

from __future__ import annotations

import types
from typing import Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db.models import QuerySet

from .canonical import NotCanonical, canonical


def described(value: Any, through: object = None, own: object = None) -> str:
    """*value* as text.

    Args:
        value: as for `canonical`; or a queryset, or a function that holds nothing.
        through: as for `canonical`.
        own: whose methods are known by their names.

    Raises:
        NotCanonical: it can't be written down.
    """
    if isinstance(value, types.MethodType) and own is not None and value.__self__ is own:
        return _function(value.__func__)
    if isinstance(value, types.FunctionType):
        return _function(value)
    if isinstance(value, QuerySet):
        return _query(value, through)
    return canonical(value, through)


def _function(function: Any) -> str:
    name = f"{function.__module__}.{function.__qualname__}"
    holds = getattr(function, "__closure__", None) or getattr(function, "__wrapped__", None)
    if holds or "<" in name:
        raise NotCanonical(f"the function {name}, which may be one of several")
    return f"function {name}"


def _query(queryset: QuerySet[Any], through: object) -> str:
    kind = f"{type(queryset).__module__}.{type(queryset).__qualname__}"
    try:
        asks = queryset.query.get_compiler(queryset.db).as_sql()
    except (EmptyResultSet, FullResultSet) as error:
        raise NotCanonical(f"a {kind} that can't be written as SQL") from error
    held = {name: item for name, item in vars(queryset).items() if name not in _APART}
    # Django 6.1 has this; there are three, and each has but one instance.
    mode = type(getattr(queryset, "_fetch_mode", None)).__qualname__
    return f"{kind}{canonical((queryset.db, asks, mode, held), through)}"


_APART = frozenset({"_query", "_fetch_mode"})
