"""The same pages with `cache_page`, and the receiver that throws them away.

The idea: when something is saved, a `post_save` receiver asks Django for the key of the cached page
(`get_cache_key`) and deletes it, so that the next reader gets a new one.

Why it doesn't hold: the key is made of the request at hand, and that is the editor's, of another
address: nothing has such a key, and nothing is deleted. With the right address, the page would be
deleted before COMMIT all the same: a reader who comes just then stores the old one, for an hour.
"""

from typing import Any

from django.core.cache import cache
from django.db.models import Count
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import get_cache_key
from django.views.decorators.cache import cache_page
from django.views.decorators.http import require_safe

from articles.models import Article, Comment
from before.request_stack import current_request


@receiver(post_save, sender=Article)
@receiver(post_save, sender=Comment)
def forget_page(**kwargs: Any) -> None:
    request = current_request()
    key = get_cache_key(request) if request is not None else None
    if key is not None:
        cache.delete(key)


@require_safe
@cache_page(3600)
def article(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Article, pk=pk)
    comments = found.comments.select_related("author")
    return render(request, "reading/article.html", {"article": found, "comments": comments})


@require_safe
@cache_page(3600)
def listing(request: HttpRequest) -> HttpResponse:
    articles = Article.objects.annotate(count=Count("comments"))
    return render(request, "reading/list.html", {"articles": articles})
