"""What `articles` does about a comment, on top of the request stack."""

import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import connection
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import aget_object_or_404, get_object_or_404, render

from articles.models import Article, AuditEntry, Comment, Notice
from before.request_stack import current_request


class StackComment(Comment):
    """A comment whose model method asks the stack."""

    class Meta:
        proxy = True
        app_label = "before"

    def share_link(self) -> str:
        request = current_request()
        if request is None:
            return self.get_absolute_url()
        return request.build_absolute_uri(self.get_absolute_url())


@receiver(post_save, sender=StackComment)
def note_who_commented(instance: StackComment, **kwargs: Any) -> None:
    request = current_request()
    AuditEntry.objects.create(
        comment=instance,
        who=request.user.get_username() if request else "",
        path=request.get_full_path() if request else "",
    )


def write_notice(comment: StackComment) -> None:
    try:
        request = current_request()
        who = request.user.get_username() if request else "somebody"
        Notice.objects.create(
            comment=comment, link=comment.share_link(), text=f"{who} said: {comment.text[:80]}"
        )
    finally:
        connection.close()


@login_required
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    written = StackComment.objects.create(
        article=get_object_or_404(Article, pk=pk),
        author=request.user,
        text=request.POST.get("text", ""),
    )
    thread = threading.Thread(target=write_notice, args=(written,))
    thread.start()
    thread.join(timeout=10)
    return render(request, "articles/commented.html", {"comment": written}, status=201)


def export(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    found = get_object_or_404(Article, pk=pk)
    return StreamingHttpResponse(lines_of(found), content_type="text/plain")


def lines_of(article: Article) -> Iterator[str]:
    comments = StackComment.objects.filter(article=article).select_related("author", "article")
    for comment in comments.iterator():
        yield f"{comment.share_link()}\t{comment.author}\t{comment.text}\n"


async def aexport(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    found = await aget_object_or_404(Article, pk=pk)
    return StreamingHttpResponse(alines_of(found), content_type="text/plain")


async def alines_of(article: Article) -> AsyncIterator[str]:
    comments = StackComment.objects.filter(article=article).select_related("author", "article")
    async for comment in comments.aiterator():
        yield f"{comment.share_link()}\t{comment.author}\t{comment.text}\n"
