"""What everybody reads: an article with its comments, and the listing. Kept until a save.

Nothing here says what a page was made of, and nobody has to throw one away: each remembers the rows
that it read. A comment makes its article's page and the listing untrue, and no other page.
"""

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

import holdfast.django
from articles.models import Article


@require_safe
@holdfast.django.cached_view(ttl=3600)
def article(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Article, pk=pk)
    comments = found.comments.select_related("author")
    return render(request, "reading/article.html", {"article": found, "comments": comments})


@require_safe
@holdfast.django.cached_view(ttl=3600)
def listing(request: HttpRequest) -> HttpResponse:
    articles = Article.objects.annotate(count=Count("comments"))
    return render(request, "reading/list.html", {"articles": articles})
