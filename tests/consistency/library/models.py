"""Rows whose value is a word: what they say, and how new it is (see ledger.py).

Each kind of relation that changes travel along is here once: foreign key, many to many through a
table, inheritance over several tables, proxy, generic relation, and cascades done by Django and,
from Django 6.1 on, by the database.
"""

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models

DATABASE_CASCADES = hasattr(models, "DB_CASCADE")


class Shelf(models.Model):
    word = models.BigIntegerField()


class Label(models.Model):
    pass


class Article(models.Model):
    shelf = models.ForeignKey(Shelf, models.CASCADE)
    word = models.BigIntegerField()
    labels = models.ManyToManyField(Label, through="Link", related_name="articles")
    bookmarks = GenericRelation("library.Bookmark")


class Feature(Article):
    extra = models.BigIntegerField()


class Latest(Article):
    class Meta:
        proxy = True


class Comment(models.Model):
    article = models.ForeignKey(Article, models.CASCADE)
    word = models.BigIntegerField()


class Link(models.Model):
    article = models.ForeignKey(Article, models.CASCADE)
    label = models.ForeignKey(Label, models.CASCADE)
    word = models.BigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("article", "label"), name="one_link"),)


class Bookmark(models.Model):
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.BigIntegerField()
    marked = GenericForeignKey()
    word = models.BigIntegerField()


class Footnote(models.Model):
    article = models.ForeignKey(
        Article, models.DB_CASCADE if DATABASE_CASCADES else models.CASCADE, related_name="+"
    )
    word = models.BigIntegerField()


class Stock(models.Model):
    shelf = models.ForeignKey(Shelf, models.CASCADE)
    word = models.BigIntegerField()


class Vote(models.Model):
    stock = models.ForeignKey(Stock, models.CASCADE)
    weight = models.BigIntegerField()


class Notice(models.Model):
    word = models.BigIntegerField()
