"""The front page, signing in, and what an error looks like."""

import os
import sys

from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

import holdfast
from articles.models import Article, Comment
from labels.models import Label


def index(request: HttpRequest) -> HttpResponse:
    """What there is to see, and how much of it."""
    counts = {
        "articles": Article.objects.count(),
        "comments": Comment.objects.count(),
        "labels": Label.objects.count(),
    }
    return render(request, "index.html", {"counts": counts})


@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in with nothing but a name: everybody is believed here. An example, remember."""
    name = request.POST.get("name", "").strip()[:150]
    if not name:
        return HttpResponse("Say who you are: the form field is `name`.", status=400)
    user, _ = get_user_model().objects.get_or_create(username=name)
    login(request, user)
    return redirect("index")


def health(request: HttpRequest) -> JsonResponse:
    """Which worker answers, and how many requests it has open: 1 is this one."""
    return JsonResponse({"worker": os.getpid(), "live_scopes": holdfast.live_scopes()})


class TimeOut(BaseException):
    """No Exception, so that nobody swallows it: as gevent's Timeout and asyncio's cancellation."""


def time_out(request: HttpRequest) -> HttpResponse:
    """Break off as a request does that took too long. Only where errors are shown."""
    if not settings.SHOW_ERRORS:
        raise Http404
    raise TimeOut


def server_error(request: HttpRequest) -> HttpResponse:
    """A short error page; with SHOW_ERRORS, one that names the error."""
    error = sys.exc_info()[1] if settings.SHOW_ERRORS else None
    reason = f": {type(error).__name__}: {error}" if error else ""
    return HttpResponse(f"Server error{reason}\n", status=500, content_type="text/plain")
