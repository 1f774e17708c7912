"""One table: labels, each with its own URL."""

from django.db import models


class Label(models.Model):
    """What a picture or an article is about, named by a URL such as a Wikidata entry."""

    url = models.CharField(max_length=500, unique=True)

    class Meta:
        ordering = ("url",)

    def __str__(self) -> str:
        return self.url
