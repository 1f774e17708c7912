"""The API log as usually written: a plain synchronous class. What `quotes.settings` replaces.

It looks harmless, and it has made a site slow that was moved to ASGI to be fast. Beside that:

- `self.request_time` is one for all requests. A middleware lives as long as the process, so while
  requests overlap, durations are measured from somebody else's beginning.
- It believes the first address of a header that anyone can send.
- Reading `request.body` takes a whole upload into memory, and away from a view that streams it.
- The OUT line is written before a streamed body is sent, and not at all if the client leaves.
- Tokens and passwords are in the log.
"""

import base64
import json
import logging
import os
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

logger = logging.getLogger("api")

BODY_BYTES = 2048


class ApiLogger:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.request_time = time.time()
        logger.info("IN %s %s", self.describe(request), self.body(request))
        response = self.get_response(request)
        seconds = time.time() - self.request_time
        logger.info(
            "OUT %s %s %.6f %d",
            self.describe(request),
            self.body(request),
            seconds,
            response.status_code,
        )
        return response

    def describe(self, request: HttpRequest) -> str:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", request.META.get("REMOTE_ADDR", "-"))
        return "[{}] [{}] [{}] [{}] [{}] {} {}".format(
            os.getpid(),
            time.strftime("%Y-%m-%dT%H:%M:%S"),
            forwarded.split(",")[0],
            request.META.get("HTTP_USER_AGENT", "-"),
            self.customer(request),
            request.method,
            request.get_full_path(),
        )

    def customer(self, request: HttpRequest) -> str:
        try:
            claims = request.META["HTTP_AUTHORIZATION"].split(".")[1]
            return json.loads(base64.urlsafe_b64decode(claims + "=="))["sub"]
        except (KeyError, IndexError, ValueError):
            return "-"

    def body(self, request: HttpRequest) -> str:
        return request.body[:BODY_BYTES].decode(errors="replace") or "-"
