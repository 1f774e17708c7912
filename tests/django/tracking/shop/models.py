import uuid

import django
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models.functions import Length, Upper


class Author(models.Model):
    name = models.CharField(max_length=50)
    age = models.IntegerField(default=0)


class Tag(models.Model):
    name = models.CharField(max_length=50)


class Note(models.Model):
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.PositiveIntegerField()
    on = GenericForeignKey()
    text = models.CharField(max_length=50)


class Article(models.Model):
    author = models.ForeignKey(Author, models.CASCADE)
    editor = models.ForeignKey(Author, models.SET_NULL, null=True, related_name="edited")
    title = models.CharField(max_length=50)
    slug = models.SlugField(unique=True)
    status = models.CharField(max_length=10, default="draft")
    views = models.IntegerField(default=0)
    tags = models.ManyToManyField(Tag)
    notes = GenericRelation(Note)


class Published(Article):
    class Meta:
        proxy = True


class Comment(models.Model):
    article = models.ForeignKey(Article, models.CASCADE, related_name="comments")
    parent = models.ForeignKey("self", models.CASCADE, null=True)
    text = models.CharField(max_length=50)


class Profile(models.Model):
    author = models.OneToOneField(Author, models.CASCADE, primary_key=True)
    city = models.CharField(max_length=50)


class Place(models.Model):
    name = models.CharField(max_length=50)


class Restaurant(Place):
    stars = models.IntegerField(default=0)


class Ticket(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    holder = models.ForeignKey(Author, models.CASCADE, null=True)
    seat = models.CharField(max_length=10)


class Country(models.Model):
    code = models.CharField(max_length=2, primary_key=True)
    name = models.CharField(max_length=50)


class Feature(Article):
    """Inherits many to many, generic and foreign relations."""

    weight = models.IntegerField(default=0)


class Kind(models.TextChoices):
    SMALL = "s"
    LARGE = "l"


class Temperature:
    """A value of a type of the project's own."""

    def __init__(self, degrees: int) -> None:
        self.degrees = degrees

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Temperature) and other.degrees == self.degrees

    def __hash__(self) -> int:
        return self.degrees


class TemperatureField(models.Field):
    def db_type(self, connection):
        return "varchar(10)"

    def from_db_value(self, value, expression, connection):
        return None if value is None else Temperature(int(value[:-1]))

    def get_prep_value(self, value):
        return None if value is None else f"{value.degrees}C"


class Specimen(models.Model):
    """A column of each type."""

    kind = models.CharField(max_length=1, choices=Kind, default="")
    flag = models.BooleanField(null=True)
    size = models.FloatField(null=True)
    price = models.DecimalField(max_digits=9, decimal_places=2, null=True)
    day = models.DateField(null=True)
    hour = models.TimeField(null=True)
    moment = models.DateTimeField(null=True)
    span = models.DurationField(null=True)
    raw = models.BinaryField(null=True)
    address = models.GenericIPAddressField(null=True)
    code = models.UUIDField(null=True)
    answers = models.JSONField(null=True)
    heat = TemperatureField(null=True)


class Sized(models.Model):
    """With columns that the database computes."""

    author = models.ForeignKey(Author, models.CASCADE)
    title = models.CharField(max_length=50)
    length = models.GeneratedField(
        expression=Length("title"), output_field=models.IntegerField(), db_persist=True
    )
    loud = models.GeneratedField(
        expression=Upper("title"),
        output_field=models.CharField(max_length=50),
        db_persist=True,
        unique=True,
    )


class Seat(models.Model):
    """A primary key of two columns."""

    pk = models.CompositePrimaryKey("row", "number")
    row = models.IntegerField()
    number = models.IntegerField()
    holder = models.ForeignKey(Author, models.CASCADE, null=True)


class Summary(models.Model):
    """A view."""

    title = models.CharField(max_length=50)
    author_name = models.CharField(max_length=50)

    class Meta:
        managed = False
        db_table = "shop_summary"


if django.VERSION >= (6, 1):

    class Folder(models.Model):
        parent = models.ForeignKey("self", models.DB_CASCADE, null=True)
        name = models.CharField(max_length=50)

    class Document(models.Model):
        folder = models.ForeignKey(Folder, models.DB_CASCADE)
        name = models.CharField(max_length=50)

    class Bookmark(models.Model):
        document = models.ForeignKey(Document, models.DB_SET_NULL, null=True)
        name = models.CharField(max_length=50)
