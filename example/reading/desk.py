"""What the newsroom does to the articles. It knows nothing of the pages that show them."""

from django.contrib.auth import get_user_model
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from articles.models import Article, Comment


@require_POST
def edit(request: HttpRequest, pk: int) -> JsonResponse:
    """Give an article another title."""
    found = get_object_or_404(Article, pk=pk)
    found.title = request.POST["title"]
    found.save()
    return JsonResponse({"title": found.title})


@require_POST
def comment(request: HttpRequest, pk: int) -> JsonResponse:
    """Comment on it."""
    author, _ = get_user_model().objects.get_or_create(username="desk")
    found = get_object_or_404(Article, pk=pk)
    written = Comment.objects.create(article=found, author=author, text=request.POST["text"])
    return JsonResponse({"comment": written.pk, "comments": found.comments.count()})
