"""Two views: one puts an object up, in the worker that serves it; the other reads it, in any."""

import os

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST, require_safe

from announcements.board import Announcement, board, readings


@require_POST
def view1(request: HttpRequest) -> JsonResponse:
    """Put an announcement up."""
    board["key0"] = Announcement(request.POST.get("text", ""))
    return JsonResponse({"worker": os.getpid()})


@require_safe
def view2(request: HttpRequest) -> JsonResponse:
    """Read it, and count how often it was read."""
    announcement = board.get("key0")
    return JsonResponse(
        {
            "worker": os.getpid(),
            "text": announcement and announcement.text,
            "readings": readings.add(1),
        }
    )
