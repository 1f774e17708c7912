"""Each way of writing makes untrue what it changes, and leaves what it doesn't, as the docs say."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.contrib.contenttypes.prefetch import GenericPrefetch
from django.core.serializers import deserialize, serialize
from django.db import connection, transaction
from django.db.models import (
    Count,
    Exists,
    F,
    FilteredRelation,
    Max,
    OuterRef,
    Prefetch,
    Q,
    Subquery,
    Sum,
)
from django.db.models.functions import Concat, Lower

from tests.django.tracking.emptying import empty
from tests.django.tracking.shop.models import (
    Article,
    Author,
    Comment,
    Country,
    Note,
    Place,
    Profile,
    Published,
    Restaurant,
    Summary,
    Tag,
    Ticket,
)


class Data:
    """What is there at first."""

    def __init__(self) -> None:
        self.ann = Author.objects.create(name="Ann", age=40)
        self.bob = Author.objects.create(name="Bob", age=50)
        self.one = Article.objects.create(author=self.ann, title="One", slug="one")
        self.two = Article.objects.create(
            author=self.bob, editor=self.ann, title="Two", slug="two", status="out"
        )
        self.red = Tag.objects.create(name="red")
        self.blue = Tag.objects.create(name="blue")
        self.one.tags.add(self.red)
        self.two.tags.add(self.blue)
        self.first = Comment.objects.create(article=self.one, text="first")
        self.second = Comment.objects.create(article=self.two, text="second")
        self.note = Note.objects.create(on=self.one, text="note")
        self.profile = Profile.objects.create(author=self.ann, city="Rome")
        self.cafe = Restaurant.objects.create(name="Cafe", stars=1)
        self.ticket = Ticket.objects.create(holder=self.ann, seat="1a")
        self.italy = Country.objects.create(code="it", name="Italy")


@dataclass
class Case:
    """A read, a write, and whether the result is kept."""

    name: str
    read: Any
    write: Any
    kept: bool = False


def titles(queryset: Any) -> list[Any]:
    return sorted((article.pk, article.title) for article in queryset)


def sql(text: str, *params: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(text, params or None)
        return sorted(map(tuple, cursor.fetchall())) if cursor.description else []


def save(instance: Any, **values: Any) -> None:
    fresh = type(instance).objects.get(pk=instance.pk)
    for name, value in values.items():
        setattr(fresh, name, value)
    fresh.save()


def one(d: Data) -> Any:
    return titles(Article.objects.filter(pk=d.one.pk))


def of_ann(d: Data) -> Any:
    return titles(Article.objects.filter(author=d.ann))


def count_of_ann(d: Data) -> Any:
    return Article.objects.filter(author=d.ann).count()


def out_of_bob(d: Data) -> Any:
    return titles(Article.objects.filter(author=d.bob, status="out").order_by("-views", "pk")[:10])


def everything(d: Data) -> Any:
    return titles(Article.objects.all())


def with_author(d: Data) -> Any:
    article = Article.objects.select_related("author").get(pk=d.one.pk)
    return article.title, article.author.name


def with_editors(d: Data) -> Any:
    return [
        (article.title, article.editor and article.editor.name)
        for article in Article.objects.select_related("editor").filter(author=d.bob).order_by("pk")
    ]


def with_comments(d: Data) -> Any:
    found = Article.objects.prefetch_related("comments").get(pk=d.one.pk)
    return [comment.text for comment in found.comments.all()]


def tags_of_one(d: Data) -> Any:
    return sorted(tag.name for tag in d.one.tags.all())


def prefetched_tags(d: Data) -> Any:
    (found,) = Article.objects.prefetch_related("tags").filter(pk=d.one.pk)
    return sorted(tag.name for tag in found.tags.all())


def tagged_red(d: Data) -> Any:
    return titles(Article.objects.filter(tags=d.red))


def notes_of_one(d: Data) -> Any:
    return [note.text for note in d.one.notes.all()]


def target_of_note(d: Data) -> Any:
    return Note.objects.get(pk=d.note.pk).on.title


def cafe(d: Data) -> Any:
    found = Restaurant.objects.get(pk=d.cafe.pk)
    return found.name, found.stars


LITERAL = "UPDATE shop_article SET title = 'x' WHERE id = {}"

READS_ONE = [
    Case("save of the row", one, lambda d: save(d.one, title="x")),
    Case("save of another row", one, lambda d: save(d.two, title="x"), kept=True),
    Case(
        "save of some fields",
        one,
        lambda d: Article(pk=d.one.pk, views=3).save(update_fields=["views"]),
    ),
    Case("update of the row", one, lambda d: Article.objects.filter(pk=d.one.pk).update(title="x")),
    Case(
        "update of another row",
        one,
        lambda d: Article.objects.filter(pk=d.two.pk).update(title="x"),
        kept=True,
    ),
    Case(
        "update of some rows",
        one,
        lambda d: Article.objects.filter(status="draft").update(title="x"),
    ),
    Case(
        "update of rows by a list",
        one,
        lambda d: Article.objects.filter(pk__in=[d.one.pk, d.two.pk]).update(title="x"),
    ),
    Case(
        "update by an expression",
        one,
        lambda d: Article.objects.filter(pk=d.one.pk).update(title=Concat(F("title"), F("slug"))),
    ),
    Case(
        "update by a join",
        one,
        lambda d: Article.objects.filter(author__name="Ann").update(title="x"),
    ),
    Case("update in order", one, lambda d: Article.objects.order_by("pk").update(title="x")),
    Case(
        "insert of another row",
        one,
        lambda d: Article.objects.create(author=d.ann, title="x", slug="x"),
        kept=True,
    ),
    Case("delete of the row", one, lambda d: Article.objects.get(pk=d.one.pk).delete()),
    Case(
        "delete of another row", one, lambda d: Article.objects.get(pk=d.two.pk).delete(), kept=True
    ),
    Case("delete of some rows", one, lambda d: Article.objects.filter(title="One").delete()),
    Case("cascade by Django", one, lambda d: Author.objects.get(pk=d.ann.pk).delete()),
    Case(
        "bulk_update",
        one,
        lambda d: Article.objects.bulk_update([Article(pk=d.one.pk, title="x")], ["title"]),
    ),
    Case(
        "bulk_update of another row",
        one,
        lambda d: Article.objects.bulk_update([Article(pk=d.two.pk, title="x")], ["title"]),
        kept=True,
    ),
    Case(
        "bulk_create with conflicts",
        one,
        lambda d: Article.objects.bulk_create(
            [Article(pk=d.one.pk, author=d.ann, title="x", slug="one")],
            update_conflicts=True,
            update_fields=["title"],
            unique_fields=["id"],
        ),
    ),
    Case(
        "bulk_create with conflicts in a unique field",
        one,
        lambda d: Article.objects.bulk_create(
            [Article(author=d.ann, title="x", slug="one")],
            update_conflicts=True,
            update_fields=["title"],
            unique_fields=["slug"],
        ),
    ),
    Case(
        "bulk_create that ignores conflicts",
        one,
        lambda d: Article.objects.bulk_create(
            [Article(author=d.ann, title="x", slug="one")], ignore_conflicts=True
        ),
        kept=True,
    ),
    Case(
        "update_or_create",
        one,
        lambda d: Article.objects.update_or_create(slug="one", defaults={"title": "x"}),
    ),
    Case(
        "get_or_create that gets",
        one,
        lambda d: Article.objects.get_or_create(slug="one", defaults={"author": d.ann}),
        kept=True,
    ),
    Case("save through a proxy", one, lambda d: save(Published(pk=d.one.pk), title="x")),
    Case(
        "raw SQL", one, lambda d: sql("UPDATE shop_article SET title = 'x' WHERE id = %s", d.one.pk)
    ),
    Case(
        "raw SQL with a literal",
        one,
        lambda d: sql(LITERAL.format(d.one.pk)),
    ),
    Case(
        "raw SQL with another literal",
        one,
        lambda d: sql(LITERAL.format(d.two.pk)),
        kept=True,
    ),
    Case(
        "raw SQL in capitals, without quotes",
        one,
        lambda d: sql("update SHOP_ARTICLE set TITLE = 'x'"),
    ),
    Case(
        "raw SQL with a comment",
        one,
        lambda d: sql("/* now */ UPDATE shop_article SET title = 'x'"),
    ),
    Case(
        "raw SQL, WITH",
        one,
        lambda d: sql(
            "WITH old AS (SELECT id FROM shop_article) UPDATE shop_article SET title = 'x'"
            " WHERE id IN (SELECT id FROM old)"
        ),
    ),
    Case(
        "executemany",
        one,
        lambda d: connection.cursor().executemany(
            "UPDATE shop_article SET title = %s WHERE id = %s", [("x", d.one.pk), ("y", d.two.pk)]
        ),
    ),
    Case(
        "executemany of others",
        one,
        lambda d: connection.cursor().executemany(
            "UPDATE shop_article SET title = %s WHERE id = %s", [("y", d.two.pk)]
        ),
        kept=True,
    ),
    Case("write to another table", one, lambda d: save(d.red, name="x"), kept=True),
    Case("m2m of the row", one, lambda d: d.one.tags.add(d.blue), kept=True),
    Case("invalidate by hand, model", one, lambda d: invalidate(Article)),
    Case("invalidate by hand, the row", one, lambda d: invalidate(d.one)),
    Case("invalidate by hand, another row", one, lambda d: invalidate(d.two), kept=True),
    Case(
        "invalidate by hand, a queryset",
        one,
        lambda d: invalidate(Article.objects.filter(slug="one")),
    ),
    Case("invalidate by hand, a proxy", one, lambda d: invalidate(Published)),
    Case(
        "DDL",
        one,
        lambda d: sql("CREATE VIEW shop_more AS SELECT 1 AS x") + sql("DROP VIEW shop_more"),
    ),
    Case(
        "index",
        one,
        lambda d: sql("CREATE INDEX shop_i ON shop_article (views)") + sql("DROP INDEX shop_i"),
        kept=True,
    ),
]


def invalidate(what: Any) -> None:
    from holdfast.django import invalidate

    invalidate(what)


BY_FOREIGN_KEY = [
    Case("save of a row in it", of_ann, lambda d: save(d.one, title="x")),
    Case("save of a row elsewhere", of_ann, lambda d: save(d.two, title="x"), kept=True),
    Case("row comes", of_ann, lambda d: Article.objects.create(author=d.ann, title="x", slug="x")),
    Case(
        "row comes elsewhere",
        of_ann,
        lambda d: Article.objects.create(author=d.bob, title="x", slug="x"),
        kept=True,
    ),
    Case(
        "many rows come",
        of_ann,
        lambda d: Article.objects.bulk_create(
            [Article(author=d.bob, title="x", slug="x"), Article(author=d.ann, title="y", slug="y")]
        ),
    ),
    Case(
        "many rows come elsewhere",
        of_ann,
        lambda d: Article.objects.bulk_create(
            [Article(author=d.bob, title="x", slug="x"), Article(author=d.bob, title="y", slug="y")]
        ),
        kept=True,
    ),
    Case("row moves in", of_ann, lambda d: save(d.two, author=d.ann)),
    Case("row moves out", of_ann, lambda d: save(d.one, author=d.bob)),
    Case(
        "row moves in by update",
        of_ann,
        lambda d: Article.objects.filter(pk=d.two.pk).update(author=d.ann),
    ),
    Case(
        "row moves in by an expression",
        of_ann,
        lambda d: Article.objects.filter(pk=d.two.pk).update(author=F("editor")),
    ),
    Case(
        "row moves out by update",
        of_ann,
        lambda d: Article.objects.filter(pk=d.one.pk).update(author=d.bob),
    ),
    Case("row goes", of_ann, lambda d: Article.objects.filter(pk=d.one.pk).delete()),
    Case(
        "row goes elsewhere",
        of_ann,
        lambda d: Article.objects.filter(pk=d.two.pk).delete(),
        kept=True,
    ),
    Case(
        "rows go elsewhere, by foreign key",
        of_ann,
        lambda d: Article.objects.filter(author=d.bob).delete(),
        kept=True,
    ),
    Case(
        "INSERT ... SELECT",
        of_ann,
        lambda d: sql(
            "INSERT INTO shop_article (author_id, title, slug, status, views)"
            f" SELECT {d.ann.pk}, 'x', 'x', 'draft', 0"
        ),
    ),
    Case(
        "counted: row comes",
        count_of_ann,
        lambda d: Article.objects.create(author=d.ann, title="x", slug="x"),
    ),
    Case(
        "counted: row comes elsewhere",
        count_of_ann,
        lambda d: Article.objects.create(author=d.bob, title="x", slug="x"),
        kept=True,
    ),
    Case("counted: row moves out", count_of_ann, lambda d: save(d.one, author=d.bob)),
    Case("counted: row goes", count_of_ann, lambda d: Article.objects.get(pk=d.one.pk).delete()),
    Case("counted: save elsewhere (too broad)", count_of_ann, lambda d: save(d.two, title="x")),
    Case(
        "in order, filtered: row enters by another column",
        out_of_bob,
        lambda d: (
            Article.objects.filter(pk=d.one.pk).update(author=d.bob),
            Article.objects.filter(pk=d.one.pk).update(status="out"),
        ),
    ),
    Case("in order, filtered: row shown changes", out_of_bob, lambda d: save(d.two, title="x")),
    Case(
        "in order, filtered: counter of a row elsewhere",
        out_of_bob,
        lambda d: Article.objects.filter(pk=d.one.pk).update(title="x"),
        kept=True,
    ),
    Case(
        "in order, filtered: what sorts changes elsewhere (too broad)",
        out_of_bob,
        lambda d: Article.objects.filter(pk=d.one.pk).update(views=F("views") + 1),
    ),
    Case(
        "NULL: row comes",
        lambda d: titles(Article.objects.filter(editor=None)),
        lambda d: Article.objects.filter(pk=d.two.pk).update(editor=None),
    ),
    Case(
        "NULL: row goes",
        lambda d: titles(Article.objects.filter(editor=None)),
        lambda d: Article.objects.filter(pk=d.one.pk).update(editor=d.bob),
    ),
    Case(
        "NULL: write elsewhere",
        lambda d: titles(Article.objects.filter(editor=None)),
        lambda d: save(d.two, title="x"),
        kept=True,
    ),
    Case("SET NULL by Django", with_editors, lambda d: Author.objects.get(pk=d.ann.pk).delete()),
]

BY_VALUE = [
    Case(
        "unique: save",
        lambda d: Article.objects.get(slug="one").title,
        lambda d: save(d.one, title="x"),
    ),
    Case(
        "unique: save of another",
        lambda d: Article.objects.get(slug="one").title,
        lambda d: save(d.two, title="x"),
        kept=True,
    ),
    Case(
        "unique: another takes it",
        lambda d: Article.objects.get(slug="one").pk,
        lambda d: (save(d.one, slug="zero"), save(d.two, slug="one")),
    ),
    Case(
        "unique: none, then one comes",
        lambda d: Article.objects.filter(slug="new").exists(),
        lambda d: Article.objects.create(author=d.ann, slug="new", title="x"),
    ),
    Case(
        "unique: none, another comes",
        lambda d: Article.objects.filter(slug="new").exists(),
        lambda d: Article.objects.create(author=d.ann, slug="newer", title="x"),
        kept=True,
    ),
    Case(
        "no such row, then it comes",
        lambda d: Article.objects.filter(pk=d.two.pk + 1).first() is None,
        lambda d: Article.objects.create(pk=d.two.pk + 1, author=d.ann, slug="new", title="x"),
    ),
    Case(
        "no such row, the database numbers a new one",
        lambda d: Tag.objects.filter(pk=d.blue.pk + 1).exists(),
        lambda d: Tag.objects.create(name="new"),
    ),
    Case(
        "some of a list missing",
        lambda d: len(Tag.objects.in_bulk([d.red.pk, d.blue.pk + 1])),
        lambda d: Tag.objects.create(name="new"),
    ),
    Case(
        "all of a list there",
        lambda d: len(Tag.objects.in_bulk([d.red.pk, d.blue.pk])),
        lambda d: Tag.objects.create(name="new"),
        kept=True,
    ),
    Case(
        "UUID",
        lambda d: Ticket.objects.get(pk=d.ticket.pk).seat,
        lambda d: save(d.ticket, seat="2b"),
    ),
    Case(
        "UUID as text",
        lambda d: Ticket.objects.get(pk=str(d.ticket.pk)).seat,
        lambda d: Ticket.objects.filter(pk=d.ticket.pk).update(seat="2b"),
    ),
    Case(
        "another UUID",
        lambda d: Ticket.objects.get(pk=d.ticket.pk).seat,
        lambda d: Ticket.objects.create(seat="9"),
        kept=True,
    ),
    Case(
        "text as primary key",
        lambda d: Country.objects.get(pk="it").name,
        lambda d: save(d.italy, name="Italia"),
    ),
    Case(
        "one to one",
        lambda d: Author.objects.get(pk=d.ann.pk).profile.city,
        lambda d: save(d.profile, city="Oslo"),
    ),
    Case(
        "number given as text",
        lambda d: titles(Article.objects.filter(pk=str(d.one.pk))),
        lambda d: save(d.one, title="x"),
    ),
]

WHOLE_TABLES = [
    Case("all rows: save", everything, lambda d: save(d.one, title="x")),
    Case(
        "all rows: row comes",
        everything,
        lambda d: Article.objects.create(author=d.ann, title="x", slug="x"),
    ),
    Case("all rows: row goes", everything, lambda d: Article.objects.filter(pk=d.one.pk).delete()),
    Case("all rows: other table", everything, lambda d: save(d.first, text="x"), kept=True),
    Case(
        "aggregate",
        lambda d: Article.objects.aggregate(Max("views"), Count("pk")),
        lambda d: Article.objects.filter(pk=d.one.pk).update(views=9),
    ),
    Case(
        "annotation over a join",
        lambda d: list(
            Author.objects.annotate(n=Count("article")).values_list("name", "n").order_by("pk")
        ),
        lambda d: Article.objects.create(author=d.ann, title="x", slug="x"),
    ),
    Case(
        "filter over a join",
        lambda d: titles(Article.objects.filter(author__name="Ann")),
        lambda d: save(d.ann, name="x"),
    ),
    Case(
        "filter over a join: row of another name comes",
        lambda d: titles(Article.objects.filter(author__name="Cat")),
        lambda d: save(d.bob, name="Cat"),
    ),
    Case(
        "exclude",
        lambda d: titles(Article.objects.exclude(tags=d.red)),
        lambda d: d.two.tags.add(d.red),
    ),
    Case(
        "subquery",
        lambda d: list(
            Author.objects.annotate(
                last=Subquery(
                    Article.objects.filter(author=OuterRef("pk"))
                    .order_by("-pk")
                    .values("title")[:1]
                )
            )
            .order_by("pk")
            .values_list("last", flat=True)
        ),
        lambda d: save(d.one, title="x"),
    ),
    Case(
        "exists",
        lambda d: list(
            Author.objects.filter(
                Exists(Article.objects.filter(author=OuterRef("pk"), status="out"))
            ).values_list("pk")
        ),
        lambda d: Article.objects.filter(pk=d.one.pk).update(status="out"),
    ),
    Case(
        "IN with a query",
        lambda d: titles(Article.objects.filter(author__in=Author.objects.filter(age__gt=45))),
        lambda d: Author.objects.filter(pk=d.ann.pk).update(age=60),
    ),
    Case(
        "UNION",
        lambda d: sorted(Author.objects.values_list("name").union(Tag.objects.values_list("name"))),
        lambda d: Tag.objects.create(name="new"),
    ),
    Case(
        "values",
        lambda d: sorted(Article.objects.values_list("title")),
        lambda d: save(d.one, title="x"),
    ),
    Case(
        "distinct",
        lambda d: sorted(Article.objects.values_list("status").distinct()),
        lambda d: save(d.one, status="x"),
    ),
    Case(
        "Q with OR",
        lambda d: titles(Article.objects.filter(Q(pk=d.one.pk) | Q(status="out"))),
        lambda d: save(d.two, status="in"),
    ),
    Case(
        "OR of the same column",
        lambda d: titles(Article.objects.filter(Q(pk=d.one.pk) | Q(pk=d.two.pk))),
        lambda d: save(d.two, title="x"),
    ),
    Case(
        "raw()",
        lambda d: titles(Article.objects.raw("SELECT * FROM shop_article WHERE views = 0")),
        lambda d: Article.objects.filter(pk=d.one.pk).update(views=1),
    ),
    Case(
        "raw() of one row, another changes",
        lambda d: titles(
            Article.objects.raw("SELECT id, title FROM shop_article WHERE id = %s", [d.one.pk])
        ),
        lambda d: save(d.two, title="x"),
        kept=True,
    ),
    Case(
        "cursor",
        lambda d: sql(
            "SELECT title FROM shop_article a JOIN shop_author w ON a.author_id = w.id"
            " WHERE w.age > 45"
        ),
        lambda d: Author.objects.filter(pk=d.ann.pk).update(age=60),
    ),
    Case(
        "CTE",
        lambda d: sql(
            "WITH x AS (SELECT * FROM shop_article WHERE views = 0) SELECT count(*) FROM x"
        ),
        lambda d: Article.objects.filter(pk=d.one.pk).update(views=1),
    ),
    Case(
        "a view: one of its tables",
        lambda d: [row.author_name for row in Summary.objects.filter(pk=d.one.pk)],
        lambda d: save(d.ann, name="x"),
    ),
    Case(
        "a view: the other one",
        lambda d: [row.title for row in Summary.objects.all()],
        lambda d: save(d.one, title="x"),
    ),
    Case(
        "a view: another table",
        lambda d: [row.title for row in Summary.objects.all()],
        lambda d: save(d.red, name="x"),
        kept=True,
    ),
    Case(
        "window over everything",
        lambda d: sql("SELECT id, row_number() OVER (ORDER BY views) FROM shop_article"),
        lambda d: Article.objects.filter(pk=d.one.pk).update(views=4),
    ),
    Case(
        "function of a column",
        lambda d: list(
            Article.objects.annotate(l=Lower("title")).filter(l="one").values_list("pk")
        ),
        lambda d: save(d.one, title="x"),
    ),
    Case(
        "iterator",
        lambda d: [a.title for a in Article.objects.order_by("pk").iterator(chunk_size=1)],
        lambda d: save(d.two, title="x"),
    ),
    Case(
        "offset",
        lambda d: [a.title for a in Article.objects.filter(status__gte="").order_by("pk")[1:2]],
        lambda d: Article.objects.filter(pk=d.one.pk).delete(),
    ),
]

FURTHER = [
    Case(
        "extra(select)",
        lambda d: list(
            Article.objects.extra(select={"n": "SELECT COUNT(*) FROM shop_tag"}).values_list("n")
        ),
        lambda d: Tag.objects.create(name="x"),
    ),
    Case(
        "extra(where)",
        lambda d: titles(
            Article.objects.extra(
                where=["author_id IN (SELECT id FROM shop_author WHERE age > 45)"]
            )
        ),
        lambda d: Author.objects.filter(pk=d.ann.pk).update(age=60),
    ),
    Case(
        "extra(tables)",
        lambda d: Article.objects.extra(tables=["shop_tag"]).count(),
        lambda d: Tag.objects.create(name="x"),
    ),
    Case(
        "extra(order_by)",
        lambda d: [a.pk for a in Article.objects.extra(order_by=["-shop_article.views", "id"])],
        lambda d: Article.objects.filter(pk=d.two.pk).update(views=9),
    ),
    Case(
        "HAVING",
        lambda d: list(
            Author.objects.annotate(n=Count("article")).filter(n__gt=1).values_list("name")
        ),
        lambda d: Article.objects.create(author=d.ann, title="x", slug="x"),
    ),
    Case(
        "FilteredRelation",
        lambda d: list(
            Author.objects.annotate(
                shown=FilteredRelation("article", condition=Q(article__status="out"))
            )
            .values_list("name", "shown__title")
            .order_by("pk")
        ),
        lambda d: Article.objects.filter(pk=d.one.pk).update(status="out"),
    ),
    Case(
        "first()",
        lambda d: Article.objects.filter(author=d.ann).first().title,
        lambda d: save(d.one, title="x"),
    ),
    Case(
        "last(): another one comes",
        lambda d: Article.objects.filter(author=d.ann).last().title,
        lambda d: Article.objects.create(author=d.ann, title="x", slug="x"),
    ),
    Case(
        "last(): another one comes elsewhere",
        lambda d: Article.objects.filter(author=d.ann).last().title,
        lambda d: Article.objects.create(author=d.bob, title="x", slug="x"),
        kept=True,
    ),
    Case(
        "difference",
        lambda d: sorted(
            Author.objects.values_list("name").difference(Tag.objects.values_list("name"))
        ),
        lambda d: Tag.objects.create(name="Ann"),
    ),
    Case(
        "querysets combined",
        lambda d: titles(
            Article.objects.filter(author=d.ann) | Article.objects.filter(status="out")
        ),
        lambda d: save(d.two, status="in"),
    ),
    Case(
        "save of an expression",
        one,
        lambda d: save(d.one, title=Concat(F("title"), F("slug"))),
    ),
    Case(
        "update() through a reverse relation",
        of_ann,
        lambda d: d.ann.article_set.update(title="x"),
    ),
    Case(
        "create() through a reverse relation",
        of_ann,
        lambda d: d.ann.article_set.create(title="x", slug="x"),
    ),
    Case(
        "m2m: through model created",
        tags_of_one,
        lambda d: Article.tags.through.objects.create(article=d.one, tag=d.blue),
    ),
    Case(
        "m2m: through model deleted",
        tags_of_one,
        lambda d: Article.tags.through.objects.filter(article=d.one).delete(),
    ),
    Case(
        "raw INSERT",
        everything,
        lambda d: sql(
            "INSERT INTO shop_article (author_id, title, slug, status, views)"
            " VALUES (%s, 'x', 'x', 'x', 0)",
            d.ann.pk,
        ),
    ),
    Case(
        "raw DELETE",
        everything,
        lambda d: (
            sql("DELETE FROM shop_article_tags")
            or sql("DELETE FROM shop_comment")
            or sql("DELETE FROM shop_article")
        ),
    ),
    Case(
        "raw ALTER",
        everything,
        lambda d: (
            sql("ALTER TABLE shop_article ADD COLUMN more integer")
            or sql("ALTER TABLE shop_article DROP COLUMN more")
        ),
    ),
    Case(
        "fixtures",
        one,
        lambda d: [
            each.save()
            for each in deserialize(
                "json",
                serialize("json", [Article(pk=d.one.pk, author=d.ann, title="x", slug="one")]),
            )
        ],
    ),
    Case(
        "soft lookups by a list of foreign keys",
        lambda d: titles(Article.objects.filter(author__in=[d.ann, d.bob])),
        lambda d: Article.objects.create(author=d.bob, title="x", slug="x"),
    ),
    Case(
        "count of a related manager",
        lambda d: d.one.comments.count(),
        lambda d: Comment.objects.create(article=d.one, text="x"),
    ),
    Case(
        "count of a related manager, elsewhere",
        lambda d: d.one.comments.count(),
        lambda d: Comment.objects.create(article=d.two, text="x"),
        kept=True,
    ),
]

RELATED = [
    Case("select_related: the row", with_author, lambda d: save(d.one, title="x")),
    Case("select_related: what it refers to", with_author, lambda d: save(d.ann, name="x")),
    Case("select_related: another author", with_author, lambda d: save(d.bob, name="x"), kept=True),
    Case("select_related: another row", with_author, lambda d: save(d.two, title="x"), kept=True),
    Case(
        "select_related: refers to another one now",
        with_author,
        lambda d: save(d.one, author=d.bob),
    ),
    Case(
        "select_related of NULL: refers to one now",
        with_editors,
        lambda d: save(d.two, editor=d.bob),
    ),
    Case(
        "select_related of NULL: another author",
        with_editors,
        lambda d: save(d.bob, name="x"),
        kept=True,
    ),
    Case(
        "prefetch_related: row comes",
        with_comments,
        lambda d: Comment.objects.create(article=d.one, text="x"),
    ),
    Case(
        "prefetch_related: row comes elsewhere",
        with_comments,
        lambda d: Comment.objects.create(article=d.two, text="x"),
        kept=True,
    ),
    Case("prefetch_related: row changes", with_comments, lambda d: save(d.first, text="x")),
    Case(
        "prefetch_related: row changes elsewhere",
        with_comments,
        lambda d: save(d.second, text="x"),
        kept=True,
    ),
    Case("prefetch_related: row goes", with_comments, lambda d: Comment.objects.all().delete()),
    Case(
        "Prefetch with a queryset",
        lambda d: [
            len(a.few)
            for a in Article.objects.order_by("pk").prefetch_related(
                Prefetch("comments", Comment.objects.filter(text="first"), to_attr="few")
            )
        ],
        lambda d: save(d.first, text="x"),
    ),
    Case("m2m: add", tags_of_one, lambda d: d.one.tags.add(d.blue)),
    Case("m2m: add elsewhere", tags_of_one, lambda d: d.two.tags.add(d.red), kept=True),
    Case("m2m: remove", tags_of_one, lambda d: d.one.tags.remove(d.red)),
    Case("m2m: remove elsewhere", tags_of_one, lambda d: d.two.tags.remove(d.blue), kept=True),
    Case("m2m: clear", tags_of_one, lambda d: d.one.tags.clear()),
    Case("m2m: clear elsewhere", tags_of_one, lambda d: d.two.tags.clear(), kept=True),
    Case("m2m: set", tags_of_one, lambda d: d.one.tags.set([d.blue])),
    Case("m2m: from the other side", tags_of_one, lambda d: d.blue.article_set.add(d.one)),
    Case("m2m: cleared from the other side", tags_of_one, lambda d: d.red.article_set.clear()),
    Case("m2m: what it leads to is saved", tags_of_one, lambda d: save(d.red, name="x")),
    Case("m2m: another is saved", tags_of_one, lambda d: save(d.blue, name="x"), kept=True),
    Case(
        "m2m: what it leads to is deleted",
        tags_of_one,
        lambda d: Tag.objects.get(pk=d.red.pk).delete(),
    ),
    Case("m2m prefetched: add", prefetched_tags, lambda d: d.one.tags.add(d.blue)),
    Case(
        "m2m prefetched: add elsewhere", prefetched_tags, lambda d: d.two.tags.add(d.red), kept=True
    ),
    Case(
        "m2m prefetched: another is saved",
        prefetched_tags,
        lambda d: save(d.blue, name="x"),
        kept=True,
    ),
    Case("filter by m2m: add", tagged_red, lambda d: d.two.tags.add(d.red)),
    Case("filter by m2m: row found changes", tagged_red, lambda d: save(d.one, title="x")),
    Case(
        "filter by m2m: other row changes", tagged_red, lambda d: save(d.two, title="x"), kept=True
    ),
    Case("generic: row comes", notes_of_one, lambda d: Note.objects.create(on=d.one, text="x")),
    Case(
        "generic: row comes elsewhere",
        notes_of_one,
        lambda d: Note.objects.create(on=d.two, text="x"),
        kept=True,
    ),
    Case("generic: row changes", notes_of_one, lambda d: save(d.note, text="x")),
    Case("generic: its target changes", target_of_note, lambda d: save(d.one, title="x")),
    Case("generic: another target", target_of_note, lambda d: save(d.two, title="x"), kept=True),
    Case(
        "GenericPrefetch",
        lambda d: [
            n.on.title
            for n in Note.objects.prefetch_related(GenericPrefetch("on", [Article.objects.all()]))
        ],
        lambda d: save(d.one, title="x"),
    ),
    Case(
        "inheritance: the child",
        cafe,
        lambda d: Restaurant.objects.filter(pk=d.cafe.pk).update(stars=3),
    ),
    Case(
        "inheritance: the parent",
        cafe,
        lambda d: Place.objects.filter(pk=d.cafe.pk).update(name="x"),
    ),
    Case("inheritance: by save of the parent", cafe, lambda d: save(Place(pk=d.cafe.pk), name="x")),
    Case("inheritance: another parent", cafe, lambda d: Place.objects.create(name="x"), kept=True),
    Case(
        "inheritance: parent read, child saved",
        lambda d: Place.objects.get(pk=d.cafe.pk).name,
        lambda d: save(d.cafe, name="x"),
    ),
    Case(
        "inheritance: delete",
        lambda d: Place.objects.filter(pk=d.cafe.pk).exists(),
        lambda d: Restaurant.objects.all().delete(),
    ),
    Case(
        "inheritance: invalidate by hand, child",
        lambda d: Place.objects.get(pk=d.cafe.pk).name,
        lambda d: invalidate(d.cafe),
    ),
    Case(
        "proxy",
        lambda d: titles(Published.objects.filter(pk=d.one.pk)),
        lambda d: save(d.one, title="x"),
    ),
    Case(
        "sum over a reverse join",
        lambda d: list(
            Author.objects.annotate(s=Sum("article__views")).order_by("pk").values_list("s")
        ),
        lambda d: Article.objects.filter(pk=d.one.pk).update(views=5),
    ),
]


def in_a_transaction(case):
    return Case(case.name, case.read, lambda d: _atomically(case.write, d), case.kept)


GROUPS = {
    "one row": READS_ONE,
    "by foreign key": BY_FOREIGN_KEY,
    "by value": BY_VALUE,
    "whole tables": WHOLE_TABLES,
    "related": RELATED,
    "further": FURTHER,
}


@pytest.mark.parametrize("group", GROUPS)
def test_on_sqlite_in_autocommit(on_sqlite, counted, group):
    check_all(counted, GROUPS[group])


@pytest.mark.needs("postgresql")
@pytest.mark.parametrize("group", GROUPS)
def test_on_postgresql_in_a_transaction(on_postgres, counted, group):
    check_all(counted, map(in_a_transaction, GROUPS[group]))


def _atomically(write: Any, data: Data) -> None:
    with transaction.atomic():
        write(data)


def check_all(counted: Any, cases: Iterable[Case], make: Callable[[], Any] = Data) -> None:
    failed = []
    for case in cases:
        ContentType.objects.clear_cache()
        with transaction.atomic():
            data = make()
        read = counted(lambda case=case, data=data: case.read(data))
        case.write(data)
        try:
            if read.is_kept() is not case.kept:
                failed.append(case.name)
        except AssertionError as stale:
            failed.append(f"{case.name}: {stale}")
        empty()
    assert not failed


def test_names_of_cases_are_told_apart():
    names = [case.name for group in GROUPS.values() for case in group]
    assert len(names) == len(set(names)) > 150
