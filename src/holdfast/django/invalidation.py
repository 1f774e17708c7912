"""`holdfast.django.invalidate`: making results untrue by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections, models, router

from ..cache import consistency as consistencies
from .tracking.catalogue import Catalogue, Table, catalogue_of, table_name
from .tracking.changing import any_row_tags
from .tracking.names import Names, names_of
from .tracking.writes import STORE


def invalidate(what: Any, *args: Any, using: str | None = None, **kwargs: Any) -> None:
    """Make untrue all results that were made of *what*: after a change that Holdfast can't see.

        holdfast.django.invalidate(Article)                  # the whole table
        holdfast.django.invalidate(article)                  # one row
        holdfast.django.invalidate(Article.objects.filter(section=7))
        holdfast.django.invalidate("article-detail", pk=7)   # a cached view, by its URL's name

    Changes that Django makes need none of this. In a transaction, it takes effect with COMMIT, and
    for the transaction itself at once.

    Args:
        what: a model, with the models it inherits from; an instance, which has to be saved; a
            queryset, whose rows are looked up; the name of a URL, or a view; a function that
            `cached_query` or `holdfast.cached` has decorated.
        args: of the view.
        using: the alias of the database. Default: the one that the router writes to, or the
            queryset's own.
        kwargs: of the view.

    A name that no view of this process has is no error, since another one may have it: no page has
    its tag then. `holdfast cache invalidate --view` says so.

    Raises:
        StoreUnavailable: the store can't be reached. Results that it holds may then be served
            again when it is back: call again.
        TypeError: *what* is none of these.
        ValueError: an instance without primary key.
    """
    tags = _tags(what, args, kwargs, using)
    if tags:
        consistencies.consistency.invalidate(STORE, tags)


async def ainvalidate(what: Any, *args: Any, using: str | None = None, **kwargs: Any) -> None:
    """As `invalidate`, for async code."""
    if isinstance(what, models.QuerySet):
        tags = _of_keys(what, [key async for key in _keys(what).aiterator()])
    else:
        tags = _tags(what, args, kwargs, using)
    if tags:
        await consistencies.consistency.ainvalidate(STORE, tags)


def invalidate_row(model: type[models.Model], pk: Any, *, using: str | None = None) -> None:
    """Make untrue what was made of the row with that primary key, whether there is one or not.

    Raises:
        ValueError: it can't be a primary key of the model.
    """
    alias = using or router.db_for_write(model)
    rows = model._default_manager.using(alias)
    try:
        key = _concrete_key(model).to_python(pk)
    except ValidationError as error:
        raise ValueError(*error.messages) from error
    tags = _of_keys(rows.all(), [key])
    consistencies.consistency.invalidate(STORE, tags)


def _concrete_key(model: type[models.Model]) -> Any:
    """The field that a primary key which is inherited, or refers to another row, is a value of."""
    field: Any = model._meta.pk
    while field.remote_field is not None:
        field = field.target_field
    return field


def _tags(what: Any, args: Any, kwargs: Any, using: str | None) -> set[bytes]:
    if isinstance(what, models.Manager):
        what = what.all()
    if isinstance(what, models.QuerySet):
        return _of_keys(what, list(_keys(what)))
    if isinstance(what, type) and issubclass(what, models.Model):
        return _of_model(what, using or router.db_for_write(what))
    if isinstance(what, models.Model):
        return _of_instance(what, using)
    tag = getattr(what, "__holdfast_tag__", None)
    if tag is not None:
        return {tag}
    if isinstance(what, str) or callable(what):
        from .pages.invalidation import view_tags

        return set(view_tags(what, args, kwargs))
    raise TypeError(
        "invalidate takes a model, an instance, a queryset, a view or the name of a URL, not"
        f" {what!r}. For tags of your own there is holdfast.invalidate('user:7')."
    )


def _catalogue(alias: str) -> tuple[Catalogue, Names]:
    connection = connections[alias]
    return catalogue_of(connection), names_of(connection)


def _tables(model: type[models.Model], catalogue: Catalogue) -> Iterator[tuple[Table, Any]]:
    """The tables that a model's rows are in, with the field that is the primary key of each."""
    concrete: Any = model._meta.concrete_model or model
    for each in (concrete, *concrete._meta.get_parent_list()):
        if not each._meta.abstract:
            yield catalogue.table(table_name(each)), each._meta.pk


def _of_model(model: type[models.Model], alias: str) -> set[bytes]:
    catalogue, names = _catalogue(alias)
    return {tag for table, _ in _tables(model, catalogue) for tag in any_row_tags(table, names)}


def _of_instance(instance: models.Model, using: str | None) -> set[bytes]:
    if instance.pk is None:
        raise ValueError(
            f"{instance!r} has no primary key: it was never saved, so nothing was made of it."
        )
    alias = using or instance._state.db or router.db_for_write(type(instance))
    catalogue, names = _catalogue(alias)
    tags: set[bytes] = set()
    for table, key in _tables(type(instance), catalogue):
        if table.key is None:
            tags |= any_row_tags(table, names)
            continue
        _add_row(table, getattr(instance, key.attname), names, tags)
        # By what other values the row is found is known of the instance only; not of the row.
        for field in type(instance)._meta.concrete_fields:
            column = str(field.column).casefold()
            if column in table.tracked and column != table.key:
                value = getattr(instance, field.attname)
                text = None if value is None else table.tracked[column](value)
                tags.add(names.value(table.name, column, text))
    return tags


def _keys(queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
    return queryset.order_by().values_list("pk", flat=True)


def _of_keys(queryset: models.QuerySet[Any], keys: list[Any]) -> set[bytes]:
    catalogue, names = _catalogue(queryset.db)
    tags: set[bytes] = set()
    for table, _ in _tables(queryset.model, catalogue):
        if table.key is None or len(keys) > _MOST:
            tags |= any_row_tags(table, names)
            continue
        for key in keys:
            _add_row(table, key, names, tags)
    return tags


_MOST = 1000


def _add_row(table: Table, key: Any, names: Names, tags: set[bytes]) -> None:
    """A row whose old and new values aren't known, but for its primary key."""
    assert table.key is not None  # noqa: S101 - who calls this has looked
    tags.add(names.whole(table.name))
    tags.add(names.value(table.name, table.key, table.tracked[table.key](key)))
    for column in table.tracked:
        if column != table.key:
            tags.add(names.changed(table.name, column))
            tags.add(names.entered(table.name, column))
