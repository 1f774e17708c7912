"""Articles, comments, and two traces that a comment leaves."""

from django.conf import settings
from django.db import models
from django.urls import reverse

import holdfast


class Article(models.Model):
    title = models.CharField(max_length=200)
    body = models.TextField()
    published = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-published", "-pk")

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("article", args=[self.pk])


class Comment(models.Model):
    article = models.ForeignKey(Article, models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    text = models.TextField()
    written = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("written", "pk")

    def __str__(self) -> str:
        return f"{self.author} on {self.article}"

    def get_absolute_url(self) -> str:
        return f"{self.article.get_absolute_url()}#comment-{self.pk}"

    def share_link(self) -> str:
        """A link to give to somebody else: with the host that this reader came by.

        No view hands the request down to here. Outside of a request, in a job or a shell, the
        link stays relative.
        """
        if holdfast.current(None) is None:
            return self.get_absolute_url()
        return holdfast.request.build_absolute_uri(self.get_absolute_url())


class AuditEntry(models.Model):
    """Who did what, from which page. Written by a signal receiver (`articles/audit.py`)."""

    comment = models.ForeignKey(Comment, models.CASCADE, related_name="audit")
    who = models.CharField(max_length=150, blank=True)
    path = models.CharField(max_length=500, blank=True)


class Notice(models.Model):
    """A message to the newsroom, written by a thread (`articles/notices.py`)."""

    comment = models.ForeignKey(Comment, models.CASCADE, related_name="notices")
    link = models.CharField(max_length=500)
    text = models.TextField(blank=True)
