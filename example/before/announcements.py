"""The two views with a dict of the module's own.

The idea: a module is imported once, so what is in its globals is there for all requests.

Why it doesn't hold: it is imported once *in each worker*. Each is a process with a dict and a
number of its own: of four, one has the announcement. With one worker it works, as under
`runserver`, until the next restart.
"""

import os
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST, require_safe

from announcements.board import Announcement

_board: dict[str, Any] = {}
_readings = 0


@require_POST
def view1(request: HttpRequest) -> JsonResponse:
    """Put an announcement up."""
    _board["key0"] = Announcement(request.POST.get("text", ""))
    return JsonResponse({"worker": os.getpid()})


@require_safe
def view2(request: HttpRequest) -> JsonResponse:
    """Read it, and count how often it was read."""
    global _readings
    _readings += 1
    announcement = _board.get("key0")
    return JsonResponse(
        {
            "worker": os.getpid(),
            "text": announcement and announcement.text,
            "readings": _readings,
        }
    )
