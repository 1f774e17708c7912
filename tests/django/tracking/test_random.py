"""Reads and writes drawn at random: whatever is served is what the database says."""

import os
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q

from tests.django.tracking.shop.models import Article, Author, Comment, Tag


class AwayError(Exception):
    pass


def reads(draw: random.Random) -> list[Callable[[], Any]]:
    """Every kind of query, for rows that exist, will exist or never do."""
    found: list[Callable[[], Any]] = [
        lambda: list(Article.objects.order_by("pk").values_list("pk", "title", "status")),
        lambda: list(Author.objects.annotate(n=Count("article")).order_by("pk").values_list("n")),
        lambda: Article.objects.filter(status="out").count(),
        lambda: [(a.title, a.author.name) for a in Article.objects.select_related("author")],
        lambda: sorted(Author.objects.filter(article__isnull=True).values_list("pk")),
        lambda: sorted(Author.objects.filter(article__editor=None).values_list("pk", "age")),
        lambda: sorted(Article.objects.filter(comments=None).values_list("pk", "status")),
        lambda: sorted(Article.objects.exclude(tags__name="a").values_list("pk")),
        lambda: sorted(Author.objects.exclude(article__status="out").values_list("pk")),
        lambda: sorted(
            Author.objects.filter(Q(article=None) | Q(article__editor=1)).values_list("pk")
        ),
    ]
    for key in range(1, 6):
        found += [
            lambda key=key: list(Article.objects.filter(pk=key).values_list("title", "views")),
            lambda key=key: [a.title for a in Article.objects.filter(author=key).order_by("pk")],
            lambda key=key: [
                (a.title, a.status)
                for a in Article.objects.filter(author=key, status="out").order_by("-views", "pk")[
                    :2
                ]
            ],
            lambda key=key: [
                a.title for a in Article.objects.filter(author=key).order_by("-views", "pk")[1:3]
            ],
            lambda key=key: Article.objects.filter(author=key).count(),
            lambda key=key: Article.objects.filter(slug=f"s{key}").values_list("title").first(),
            lambda key=key: [
                (a.title, a.author.name, a.editor and a.editor.name)
                for a in Article.objects.select_related("author", "editor").filter(
                    pk__in=[key, key + 1]
                )
            ],
            lambda key=key: sorted(
                t.name for t in Tag.objects.filter(article=key).order_by("name")[:3]
            ),
            lambda key=key: [
                sorted(t.name for t in a.tags.all())
                for a in Article.objects.filter(author=key).prefetch_related("tags").order_by("pk")
            ],
            lambda key=key: [
                c.text
                for c in Comment.objects.filter(article__author=key).select_related("article")
            ],
            lambda key=key: sorted(
                Article.objects.filter(editor=key).values_list("title", "author__name")
            ),
            lambda key=key: Author.objects.filter(pk=key).exists(),
            lambda key=key: Author.objects.filter(pk=key, article=None).exists(),
            lambda key=key: sorted(
                Article.objects.filter(author=key, tags=None).values_list("pk", "title")
            ),
            lambda key=key: sorted(
                Article.objects.filter(
                    Q(editor=key) | Q(editor__isnull=True), author=key
                ).values_list("pk", "editor__name")
            ),
            lambda key=key: list(
                Author.objects.filter(pk=key).annotate(n=Count("article")).values_list("n")
            ),
            lambda key=key: sorted(
                a.title for a in Article.objects.filter(author__in=Author.objects.filter(age=key))
            ),
        ]
    draw.shuffle(found)
    return found


def write(draw: random.Random) -> None:  # noqa: C901, PLR0912 - a list of changes
    """One change."""
    one, two = draw.randint(1, 5), draw.randint(1, 5)
    text = draw.choice("abc")
    article = Article.objects.filter(pk=one)
    existing = article.first()
    is_author = Author.objects.filter(pk=two).exists()
    kind = draw.randrange(17)
    if kind == 0 and existing is None and is_author:
        Article(pk=one, author_id=two, title=text, slug=f"s{one}").save()
    elif kind == 1 and existing is not None and is_author:
        existing.author_id, existing.title = two, text
        existing.save()
    elif kind == 2:
        article.update(status=draw.choice(["out", "draft"]))
    elif kind == 3:
        article.update(views=F("views") + draw.choice([1, -1]))
    elif kind == 4:
        Article.objects.filter(author=two).update(title=text)
    elif kind == 5:
        article.delete()
    elif kind == 6 and existing is None and is_author:
        Article.objects.bulk_create(
            [Article(author_id=two, title=text, slug=f"s{one}")], ignore_conflicts=True
        )
    elif kind == 7:
        Author.objects.filter(pk=two).update(name=text)
    elif kind == 8:
        Author(pk=two, name=text, age=one).save()
    elif kind == 9 and draw.random() < 0.4:
        Author.objects.filter(pk=two).delete()
    elif kind == 10 and existing is not None:
        existing.tags.set(Tag.objects.filter(name__in=draw.sample(["a", "b", "c"], 2)))
    elif kind == 11 and existing is not None:
        existing.tags.clear()
    elif kind == 12 and existing is not None:
        Comment.objects.create(article=existing, text=text)
    elif kind == 13:
        Comment.objects.filter(article__author=two).update(text=text)
    elif kind == 14:
        Tag.objects.filter(name=text).update(name=draw.choice("abc"))
    elif kind == 15 and is_author:
        article.update(editor_id=two)
    elif (
        kind == 16 and existing is not None and not Article.objects.filter(slug=f"s{two}").exists()
    ):
        existing.slug = f"s{two}"
        existing.save(update_fields=["slug"])


@pytest.mark.parametrize("seed", range(int(os.environ.get("HOLDFAST_SEEDS", "3"))))
def test_whatever_is_served_is_true(shop, counted, seed):
    draw = random.Random(seed)
    Tag.objects.bulk_create([Tag(name=name) for name in "abc"])
    for key in range(1, 5):
        Author(pk=key, name=f"author {key}", age=key).save()
    cached = [counted(read) for read in reads(draw)]
    served = kept = 0
    for _ in range(60):
        try:
            with transaction.atomic():
                for _ in range(draw.randint(1, 2)):
                    write(draw)
                if draw.random() < 0.2:
                    for read in draw.sample(cached, 2):
                        read.is_kept()  # what the transaction sees is what it has written
                    raise AwayError
        except (AwayError, IntegrityError):
            pass
        if draw.random() < 0.5:
            with suppress(IntegrityError):
                write(draw)
        for read in draw.sample(cached, 12):
            served += 1
            kept += read.is_kept()
    assert kept > served / 8
