"""What the basket service does, the same for WSGI and ASGI. It knows nothing of requests.

Each log line says `a=... b=...`: a comes from the log filter, b was passed down by hand.
They are meant to be equal.
"""

import asyncio
import logging
import logging.config
import os
import time
from typing import Any
from urllib.parse import parse_qs

log = logging.getLogger("basket")


def set_up_log(user_filter: str) -> None:
    """Log to the file BASKET_LOG, or to the console, with *user_filter* on each line."""
    path = os.environ.get("BASKET_LOG")
    target = (
        {"class": "logging.FileHandler", "filename": path}
        if path
        else {"class": "logging.StreamHandler"}
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"user": {"()": user_filter}},
            "formatters": {"basket": {"format": "a=%(user_id)s b=%(message)s"}},
            "handlers": {"basket": {**target, "formatter": "basket", "filters": ["user"]}},
            "loggers": {"basket": {"level": "INFO", "handlers": ["basket"], "propagate": False}},
        }
    )


def who_and_how_long(path: str, query: str) -> tuple[str | None, float]:
    """`/users/7?ms=30` is user 7 and takes 30 ms; any other path is a stranger."""
    parts = path.strip("/").split("/")
    user_id = parts[1] if len(parts) == 2 and parts[0] == "users" else None
    return user_id, int(parse_qs(query).get("ms", ["0"])[0]) / 1000


def serve(user_id: str | None, seconds: float) -> bytes:
    log.info("%s looks into the basket", user_id or "-")
    time.sleep(seconds)
    return fill(user_id, seconds)


def fill(user_id: str | None, seconds: float) -> bytes:
    log.info("%s puts something in", user_id or "-")
    time.sleep(seconds)
    log.info("%s is done", user_id or "-")
    return f"The basket of {user_id or 'a stranger'}\n".encode()


async def aserve(user_id: str | None, seconds: float) -> bytes:
    log.info("%s looks into the basket", user_id or "-")
    await asyncio.sleep(seconds)
    return await afill(user_id, seconds)


async def afill(user_id: str | None, seconds: float) -> bytes:
    log.info("%s puts something in", user_id or "-")
    await asyncio.sleep(seconds)
    log.info("%s is done", user_id or "-")
    return f"The basket of {user_id or 'a stranger'}\n".encode()


def headers(body: bytes) -> list[tuple[str, str]]:
    return [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]


def asgi_start(body: bytes) -> dict[str, Any]:
    """The message that begins an ASGI response."""
    return {
        "type": "http.response.start",
        "status": 200,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers(body)],
    }
