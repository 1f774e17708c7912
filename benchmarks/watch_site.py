"""The example, asked by Django's test client, in a process of its own: watched, or not.

Reads lines `<page> <times>`, and answers each with the processor time that the requests took. The
first answer comes when every page was asked once.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[1] / "example"

#: What a test suite of the example asks for: a name, and the request.
PAGES: dict[str, Callable[[Any], Any]] = {
    "the front page": lambda client: client.get("/"),
    "all labels": lambda client: client.get("/labels/"),
    "import of 12 labels": lambda client: client.post("/labels/import/", {"urls": _upload()}),
    "all articles": lambda client: client.get("/articles/"),
    "an article with its comments": lambda client: client.get("/articles/1/"),
    "comments, streamed": lambda client: b"".join(client.get("/articles/1/comments.txt")),
    "a comment is written": lambda client: client.post("/articles/2/comment/", {"text": "so"}),
    "a cached page": lambda client: client.get("/reading/1/"),
    "the API: articles": lambda client: client.get("/api/articles/"),
    "the API: comments": lambda client: client.get("/api/articles/1/comments/"),
    "an announcement, read and counted": lambda client: client.get("/announcements/view2/"),
}


def _upload() -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    lines = "\n".join(f"https://label{number}.example/" for number in range(12))
    return SimpleUploadedFile("urls.txt", lines.encode())


def main() -> None:
    """Serve until the input ends."""
    if "--watched" in sys.argv:
        from holdfast.watch import Watch
        from holdfast.watch.entering import enter_requests

        Watch([EXAMPLE]).start()
        enter_requests()
    sys.path.insert(0, str(EXAMPLE))
    os.environ["DJANGO_SETTINGS_MODULE"] = "newsroom.settings"
    import django

    django.setup()
    from django.test import Client

    from labels import remote

    # What the example's import does elsewhere is a pause.
    remote.check = lambda _: None  # type: ignore[attr-defined]
    client = Client()
    client.post("/sign-in/", {"name": "reader"})
    pages = list(PAGES)
    for name in pages:
        answer = PAGES[name](client)
        assert isinstance(answer, bytes) or answer.status_code < 400, (name, answer)
    print("ready", flush=True)
    for line in sys.stdin:
        page, times = line.split()
        ask = PAGES[pages[int(page)]]
        begun = time.process_time()
        for _ in range(int(times)):
            ask(client)
        print(time.process_time() - begun, flush=True)


if __name__ == "__main__":
    main()
