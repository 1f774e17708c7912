"""What django-cachalot's and django-cacheops's own tests try, beside what `test_cases` has."""

import datetime as dt
import uuid
from decimal import Decimal
from functools import reduce
from operator import and_
from typing import Any

import pytest
from django.contrib.postgres.fields import (
    ArrayField,
    DateRangeField,
    DateTimeRangeField,
    IntegerRangeField,
)
from django.contrib.postgres.functions import TransactionNow
from django.db import DatabaseError, connection, models, transaction
from django.db.models import Case as Choice
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, Lower

from tests.django.tracking import test_cases
from tests.django.tracking.shop.models import (
    Article,
    Author,
    Comment,
    Feature,
    Kind,
    Note,
    Place,
    Profile,
    Published,
    Seat,
    Sized,
    Specimen,
    Tag,
    Temperature,
)
from tests.django.tracking.test_cases import Case, check_all, in_a_transaction, save, sql, titles

VALUES = {
    "kind": Kind.LARGE,
    "flag": True,
    "size": 0.5,
    "price": Decimal("9.50"),
    "day": dt.date(2026, 7, 4),
    "hour": dt.time(10, 30),
    "moment": dt.datetime(2026, 7, 4, 10, 30, tzinfo=dt.UTC),
    "span": dt.timedelta(hours=3),
    "raw": b"\x00\xff",
    "address": "2001:db8::1",
    "code": uuid.UUID(int=7),
    "answers": {"a": [1, None]},
    "heat": Temperature(37),
}


def by_value(field: str, value: Any) -> list[Case]:
    """A row comes, and goes, that is asked for by a value of this type."""
    asked = {field: value}
    return [
        Case(
            f"by {field}: row comes",
            lambda _: list(Specimen.objects.filter(**asked).values_list("pk")),
            lambda _: Specimen.objects.create(**asked),
        ),
        Case(
            f"by {field}: row gets it",
            lambda d: Specimen.objects.filter(**asked).count(),
            lambda d: Specimen.objects.update_or_create(pk=7, defaults=asked),
        ),
        Case(
            f"by {field}: a list of values",
            lambda _: Specimen.objects.filter(**{f"{field}__in": [value]}).exists(),
            lambda _: Specimen.objects.bulk_create([Specimen(**asked)]),
        ),
    ]


def comments_of_ann(_: Any) -> Any:
    return list(Comment.objects.filter(article__author__name="Ann").values_list("pk", "text"))


def of_zoe(d: Any) -> Any:
    return list(Author.objects.filter(name="Zoë, 徐").values_list("pk"))


class Data(test_cases.Data):
    """What is there at first."""

    def __init__(self) -> None:
        super().__init__()
        self.feature = Feature.objects.create(author=self.ann, slug="feature", title="Feature")
        self.feature.tags.add(self.blue)
        self.sized = Sized.objects.create(author=self.ann, title="Sized")
        Seat.objects.create(row=1, number=1, holder=self.bob)
        Seat.objects.create(row=2, number=7)


FROM_CACHALOT = [
    Case("none()", lambda _: list(Tag.objects.none()), lambda d: save(d.red, name="x"), kept=True),
    Case(
        "in_bulk",
        lambda d: {k: a.title for k, a in Article.objects.in_bulk([d.one.pk, d.two.pk]).items()},
        lambda d: save(d.two, title="x"),
    ),
    Case(
        "in_bulk by a unique field",
        lambda _: {k: a.title for k, a in Article.objects.in_bulk(field_name="slug").items()},
        lambda d: save(d.two, title="x"),
    ),
    Case(
        "earliest",
        lambda _: Author.objects.earliest("age").name,
        lambda d: save(d.bob, age=1),
    ),
    Case("latest", lambda _: Author.objects.latest("age").name, lambda d: save(d.ann, age=99)),
    Case(
        "reverse",
        lambda _: [a.name for a in Author.objects.order_by("age").reverse()],
        lambda d: save(d.ann, age=99),
    ),
    Case(
        "in the order of another table",
        lambda _: [a.title for a in Article.objects.order_by("author__name")],
        lambda d: save(d.ann, name="Zoe"),
    ),
    Case(
        "in the order of an expression of another table",
        lambda _: [a.title for a in Article.objects.order_by(Lower("author__name").desc())],
        lambda d: save(d.ann, name="Zoe"),
    ),
    Case(
        "by foreign key, in the order of another table",
        lambda d: [
            a.title for a in Article.objects.filter(author=d.ann).order_by("editor__name", "pk")
        ],
        lambda d: Article.objects.create(author=d.ann, editor=d.bob, slug="x", title="x"),
    ),
    Case(
        "in random order",
        lambda d: [a.name for a in Author.objects.filter(pk=d.ann.pk).order_by("?")],
        lambda d: save(d.ann, name="x"),
    ),
    Case(
        "a choice of an enumeration",
        lambda _: Specimen.objects.filter(kind__in=Kind).count(),
        lambda _: Specimen.objects.create(kind=Kind.SMALL),
    ),
    Case(
        "dates",
        lambda _: list(Specimen.objects.dates("day", "month")),
        lambda _: Specimen.objects.create(day=dt.date(2026, 7, 4)),
    ),
    Case(
        "datetimes",
        lambda _: list(Specimen.objects.datetimes("moment", "hour")),
        lambda _: Specimen.objects.create(moment=VALUES["moment"]),
    ),
    Case(
        "only",
        lambda d: Author.objects.only("age").get(pk=d.ann.pk).name,
        lambda d: save(d.ann, name="x"),
    ),
    Case(
        "defer",
        lambda d: Author.objects.defer("name").get(pk=d.ann.pk).name,
        lambda d: save(d.ann, name="x"),
    ),
    Case(
        "a condition with a query in its default",
        lambda _: list(
            Author.objects.order_by("pk").values_list(
                Choice(
                    When(age=40, then=Value(0)),
                    default=Subquery(
                        Article.objects.filter(author=OuterRef("pk")).values("views")[:1]
                    ),
                )
            )
        ),
        lambda d: save(d.two, views=9),
    ),
    Case(
        "Coalesce with a query",
        lambda _: list(
            Author.objects.order_by("pk").values_list(
                Coalesce(
                    Subquery(Profile.objects.filter(author=OuterRef("pk")).values("city")),
                    Value("nowhere"),
                )
            )
        ),
        lambda d: Profile.objects.create(author=d.bob, city="x"),
    ),
    Case(
        "annotation of raw SQL",
        lambda _: list(
            Article.objects.annotate(
                n=RawSQL(
                    "SELECT COUNT(*) FROM shop_comment c WHERE c.article_id = shop_article.id", []
                )
            )
            .order_by("pk")
            .values_list("n")
        ),
        lambda d: Comment.objects.create(article=d.two, text="x"),
    ),
    Case(
        "raw SQL within raw SQL",
        lambda _: list(
            Author.objects.filter(
                pk__in=RawSQL(
                    "SELECT author_id FROM shop_article WHERE id IN"
                    " (SELECT article_id FROM shop_comment WHERE text = %s)",
                    ["x"],
                )
            ).values_list("pk")
        ),
        lambda d: Comment.objects.create(article=d.two, text="x"),
    ),
    Case(
        "queries within queries within queries",
        lambda _: list(
            Author.objects.filter(
                pk__in=Article.objects.filter(
                    pk__in=Comment.objects.filter(text="x").values("article")
                ).values("author")
            ).values_list("pk")
        ),
        lambda d: Comment.objects.create(article=d.two, text="x"),
    ),
    Case("no table at all", lambda _: sql("SELECT 1"), lambda d: save(d.red, name="x"), kept=True),
    Case(
        "intersection",
        lambda _: list(
            Tag.objects.filter(name="red").intersection(Tag.objects.all()).values_list("pk")
        ),
        lambda _: Tag.objects.create(name="red"),
    ),
    Case(
        "a table whose name is no ASCII",
        lambda _: sql('SELECT name FROM "Clémentine"'),
        lambda _: sql('INSERT INTO "Clémentine" (name) VALUES (%s)', "x"),
    ),
    Case(
        "text that is no ASCII",
        of_zoe,
        lambda _: Author.objects.create(name="Zoë, 徐"),
    ),
    Case(
        "raw CREATE, INSERT and DROP",
        lambda _: Tag.objects.count(),
        lambda _: [
            sql("CREATE TABLE shop_other (id integer)"),
            sql("INSERT INTO shop_other VALUES (1)"),
            sql("DROP TABLE shop_other"),
        ],
    ),
]

FROM_CACHEOPS = [
    Case(
        "by foreign key and a boolean",
        lambda d: [s.pk for s in Specimen.objects.filter(flag=False).order_by("pk")],
        lambda _: Specimen.objects.create(flag=False),
    ),
    Case(
        "one to one, by the other side",
        lambda d: Author.objects.get(pk=d.ann.pk).profile.city,
        lambda d: save(d.profile, city="x"),
    ),
    Case(
        "by the key of what it refers to",
        lambda d: Profile.objects.get(author__id__exact=d.ann.pk).city,
        lambda d: Profile.objects.filter(author=d.ann).update(city="x"),
    ),
    Case(
        "a link between the two ends changes",
        comments_of_ann,
        lambda d: save(d.one, author=d.bob),
    ),
    Case(
        "NULL and values in one list",
        lambda d: Article.objects.filter(editor__in=[None, d.ann.pk]).filter(editor=d.ann).count(),
        lambda d: save(d.one, editor=d.ann),
    ),
    Case(
        "none on the other side",
        lambda _: list(Author.objects.filter(profile__isnull=True).values_list("pk")),
        lambda d: Profile.objects.create(author=d.bob, city="x"),
    ),
    Case(
        "none of some kind on the other side",
        lambda _: list(Author.objects.filter(article__editor__isnull=True).values_list("pk")),
        lambda d: Author.objects.create(name="x"),
    ),
    Case(
        "none on the other side, or with a value",
        lambda d: sorted(
            Author.objects.filter(Q(profile__city="x") | Q(profile__city=None)).values_list("pk")
        ),
        lambda d: Profile.objects.create(author=d.bob, city="y"),
    ),
    Case(
        "exclude by many to many",
        lambda d: Article.objects.exclude(tags__in=[d.red.pk, d.blue.pk]).count(),
        lambda d: d.one.tags.clear(),
    ),
    Case(
        "many to many, and one side is deleted",
        lambda d: [t.name for t in Tag.objects.filter(article=d.one.pk)],
        lambda d: Article.objects.get(pk=d.one.pk).delete(),
    ),
    Case(
        "many to many, and the other side is deleted",
        lambda d: titles(Article.objects.filter(tags=d.red.pk)),
        lambda d: Tag.objects.get(pk=d.red.pk).delete(),
    ),
    Case(
        "any row at all",
        lambda _: list(Author.objects.filter(Exists(Note.objects.all())).values_list("pk")),
        lambda _: Note.objects.all().delete(),
    ),
    Case(
        "the newest of each, by a subquery",
        lambda _: list(
            Author.objects.order_by("pk").values_list(
                Subquery(
                    Article.objects.filter(author=OuterRef("pk")).order_by("-pk").values("pk")[:1]
                )
            )
        ),
        lambda d: Article.objects.create(author=d.ann, slug="x"),
    ),
    Case(
        "aggregate of an annotation",
        lambda _: Author.objects.annotate(n=Count("article")).aggregate(s=Sum("n")),
        lambda d: Article.objects.create(author=d.ann, slug="x"),
    ),
    Case(
        "aggregate of a group",
        lambda d: Article.objects.filter(author=d.ann).aggregate(s=Sum("views")),
        lambda d: Article.objects.filter(author=d.ann).update(views=F("views") + 1),
    ),
    Case(
        "aggregate of a group, another one changes",
        lambda d: Article.objects.filter(author=d.ann).aggregate(s=Sum("views")),
        lambda d: Article.objects.filter(author=d.bob).update(views=F("views") + 1),
        kept=True,
    ),
    Case(
        "many conditions on two tables",
        lambda _: list(
            Article.objects.filter(status="draft")
            .filter(
                reduce(
                    and_,
                    (
                        Q(title__icontains=term) | Q(author__name__icontains=term)
                        for term in "oneoneoneone"
                    ),
                )
            )
            .values_list("pk")
        ),
        lambda d: save(d.ann, name="neo"),
    ),
    Case(
        "a deferred row is deleted",
        lambda d: Tag.objects.count(),
        lambda d: Tag.objects.defer("name").last().delete(),
    ),
    Case(
        "siblings: two proxies of one model",
        lambda d: titles(Published.objects.filter(pk=d.one.pk)),
        lambda d: Sibling.objects.filter(pk=d.one.pk).update(title="x"),
    ),
    Case(
        "inheritance with many to many: add",
        lambda d: [t.name for t in d.feature.tags.all()],
        lambda d: d.feature.tags.add(d.red),
    ),
    Case(
        "inheritance with many to many: by the parent",
        lambda d: [t.name for t in d.feature.tags.all()],
        lambda d: Article.objects.get(slug="feature").tags.add(d.red),
    ),
    Case(
        "inheritance with many to many: clear",
        lambda d: titles(Article.objects.filter(tags=d.blue)),
        lambda d: d.feature.tags.clear(),
    ),
    Case(
        "inheritance: child comes",
        lambda d: titles(Article.objects.filter(author=d.bob)),
        lambda d: Feature.objects.create(author=d.bob, slug="x", title="x"),
    ),
    Case(
        "inheritance: parent deleted, child read",
        lambda d: Feature.objects.filter(pk=d.feature.pk).count(),
        lambda d: Article.objects.get(slug="feature").delete(),
    ),
    Case(
        "inheritance: parent changed, child read with it",
        lambda d: Feature.objects.get(pk=d.feature.pk).title,
        lambda d: save(Article(pk=d.feature.pk), title="x"),
    ),
    Case(
        "created by one class, read by its parent",
        lambda _: [p.name for p in Place.objects.order_by("pk")],
        lambda d: save(d.cafe, name="x"),
    ),
]


class Sibling(Article):
    class Meta:
        proxy = True
        app_label = "shop"


BEYOND = [
    Case(
        "computed column: decides who is shown",
        lambda d: list(
            Sized.objects.filter(author=d.ann, length=3).order_by("pk").values_list("pk", "title")
        ),
        lambda d: Sized.objects.filter(pk=d.sized.pk).update(title="abc"),
    ),
    Case(
        "computed column, unique: another row has it now",
        lambda _: list(Sized.objects.filter(loud="ABC").values_list("pk", "title")),
        lambda d: Sized.objects.filter(pk=d.sized.pk).update(title="abc"),
    ),
    Case(
        "computed column: saved",
        lambda d: Sized.objects.get(pk=d.sized.pk).length,
        lambda d: save(d.sized, title="abc"),
    ),
    Case(
        "primary key of two columns: the row",
        lambda _: list(Seat.objects.filter(pk=(1, 1)).values_list("holder")),
        lambda d: Seat.objects.filter(pk=(1, 1)).update(holder=d.ann),
    ),
    Case(
        "primary key of two columns: it comes",
        lambda _: Seat.objects.filter(pk=(1, 2)).exists(),
        lambda _: Seat.objects.create(row=1, number=2),
    ),
    Case(
        "primary key of two columns: another row",
        lambda _: list(Seat.objects.filter(pk=(1, 1)).values_list("holder")),
        lambda d: Seat.objects.filter(pk=(2, 7)).update(holder=d.ann),
        kept=True,
    ),
]

GROUPS = {
    "beyond": BEYOND,
    "values": [case for item in VALUES.items() for case in by_value(*item)],
    "cachalot": FROM_CACHALOT,
    "cacheops": FROM_CACHEOPS,
}


@pytest.fixture
def clementine(shop) -> Any:
    sql('CREATE TABLE IF NOT EXISTS "Clémentine" (name varchar(10))')
    yield
    sql('DROP TABLE "Clémentine"')


@pytest.mark.usefixtures("clementine")
@pytest.mark.parametrize("group", GROUPS)
def test_on_sqlite_in_autocommit_and_on_postgresql_in_a_transaction(shop, counted, group):
    cases = GROUPS[group]
    if connection.vendor == "postgresql":
        cases = list(map(in_a_transaction, cases))
    check_all(counted, cases, Data)


def test_what_says_nothing_of_rows_is_not_kept(shop, counted):
    """A plan, and what fails: whoever asks again asks the database."""
    Tag.objects.create(name="red")

    def of_missing() -> str:
        try:
            with transaction.atomic():
                return str(sql("SELECT * FROM shop_missing"))
        except DatabaseError:
            return "missing"

    for read in (Tag.objects.filter(pk=1).explain, of_missing, lambda: sql("EXPLAIN SELECT 1")):
        load = counted(lambda read=read: str(read())[:4], is_new=True)
        load()
        load()
        assert load.loads == 2


class Types(models.Model):
    """Types that PostgreSQL alone has. Made by these tests."""

    numbers = ArrayField(models.IntegerField(), null=True)
    span = IntegerRangeField(null=True)
    prices = ArrayField(models.DecimalField(max_digits=9, decimal_places=2), null=True)
    days = DateRangeField(null=True)
    moments = DateTimeRangeField(null=True)
    answers = models.JSONField(null=True)

    class Meta:
        managed = False
        app_label = "shop"
        db_table = "shop_types"


TYPES = [
    ({"numbers__contains": [7]}, {"numbers": [1, 7]}),
    ({"numbers__len": 2}, {"numbers": [1, 7]}),
    ({"numbers": []}, {"numbers": []}),
    ({"span__contains": 7}, {"span": (1, 9)}),
    ({"span": (1, 9)}, {"span": (1, 9)}),
    ({"prices__contains": [Decimal("2.5")]}, {"prices": [Decimal("2.5")]}),
    (
        {"days__contains": dt.date(2026, 7, 4)},
        {"days": (dt.date(2026, 7, 1), dt.date(2026, 8, 1))},
    ),
    (
        {"moments__contains": VALUES["moment"]},
        {"moments": (VALUES["moment"], None)},
    ),
    ({"answers__a": 1}, {"answers": {"a": 1}}),
    ({"answers__has_key": "a"}, {"answers": {"a": 1}}),
]


@pytest.fixture
def types(on_postgres) -> Any:
    with connection.schema_editor() as editor:
        editor.create_model(Types)
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(Types)


def test_types_of_postgresql(types, counted):
    for asked, values in TYPES:
        load = counted(Types.objects.filter(**asked).count)
        Types.objects.create(**values)
        assert not load.is_kept(), asked
        rows = counted(lambda asked=asked: list(Types.objects.filter(**asked).values()))
        rows()[0].clear()  # and nobody else's
        assert rows.is_kept()
        Types.objects.all().delete()
        assert not rows.is_kept()


def test_the_transactions_own_time_is_kept_as_long_as_ttl_says(on_postgres, counted):
    red = Tag.objects.create(name="red")
    names = counted(lambda: [t.name for t in Tag.objects.annotate(at=TransactionNow())])
    assert names.is_kept()
    Tag.objects.filter(pk=red.pk).update(name="blue")
    assert not names.is_kept()


def test_sql_that_psycopg_composes(on_postgres, counted):
    compose = pytest.importorskip("psycopg.sql")
    red = Tag.objects.create(name="red")
    table = compose.Identifier("shop_tag")

    def read() -> Any:
        with connection.cursor() as cursor:
            cursor.execute(compose.SQL("SELECT name FROM {} WHERE id = %s").format(table), [red.pk])
            return cursor.fetchall()

    names = counted(read)
    as_bytes = counted(lambda: sql(b"SELECT name FROM shop_tag"))
    with connection.cursor() as cursor:
        cursor.execute(compose.SQL("UPDATE {} SET name = {}").format(table, compose.Literal("x")))
    assert not names.is_kept()
    assert not as_bytes.is_kept()


def test_functions_and_types_of_extensions(on_postgres, counted):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM pg_available_extensions WHERE name = ANY(%s)", [EXTENSIONS]
        )
        if len(cursor.fetchall()) < len(EXTENSIONS):
            pytest.skip("PostgreSQL comes without them")
    for name in EXTENSIONS:
        sql(f"CREATE EXTENSION IF NOT EXISTS {name}")
    Tag.objects.create(name="a=>1")
    plain = counted(lambda: sql("SELECT id FROM shop_tag WHERE unaccent(name) = %s", "Zoe"))
    stored = counted(
        lambda: sql("SELECT id FROM shop_tag WHERE name LIKE '%%=>%%' AND name::hstore ? %s", "b")
    )
    Tag.objects.create(name="Zoë")
    Tag.objects.create(name="b=>1")
    assert not plain.is_kept()
    assert not stored.is_kept()


EXTENSIONS = ["unaccent", "hstore"]
