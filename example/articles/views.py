"""Pages about articles."""

from collections.abc import AsyncIterator, Iterator

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import aget_object_or_404, get_object_or_404, render
from django.views.decorators.http import require_POST, require_safe

from articles.models import Article, Comment
from articles.notices import notify_newsroom


@require_safe
def article_list(request: HttpRequest) -> HttpResponse:
    return render(request, "articles/list.html", {"articles": Article.objects.all()[:50]})


@require_safe
def article(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Article, pk=pk)
    comments = found.comments.select_related("author", "article")[:100]
    return render(request, "articles/article.html", {"article": found, "comments": comments})


@require_POST
@login_required
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Save a comment. What else happens is far from here: a receiver, a thread, the model."""
    written = Comment.objects.create(
        article=get_object_or_404(Article, pk=pk),
        author=request.user,
        text=request.POST.get("text", "").strip() or "(nothing to say)",
    )
    notify_newsroom(written).join(timeout=10)
    return render(request, "articles/commented.html", {"comment": written}, status=201)


@require_safe
def export(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """All comments as text, streamed: the rows are made after the view has returned."""
    found = get_object_or_404(Article, pk=pk)
    return StreamingHttpResponse(lines_of(found), content_type="text/plain")


def lines_of(article: Article) -> Iterator[str]:
    for comment in article.comments.select_related("author", "article").iterator():
        yield f"{comment.share_link()}\t{comment.author}\t{comment.text}\n"


@require_safe
async def aexport(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The same for ASGI servers, which want an async body."""
    found = await aget_object_or_404(Article, pk=pk)
    return StreamingHttpResponse(alines_of(found), content_type="text/plain")


async def alines_of(article: Article) -> AsyncIterator[str]:
    async for comment in article.comments.select_related("author", "article").aiterator():
        yield f"{comment.share_link()}\t{comment.author}\t{comment.text}\n"
