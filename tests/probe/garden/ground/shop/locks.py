"""Pages that hold a lock while they wait for something else."""

import fcntl
import logging
import os
import tempfile
import threading
import time
from pathlib import Path

import redis
from django.http import HttpRequest, HttpResponse

SECONDS = 0.2
FOLDER = Path(os.environ.get("SHOP_FOLDER", tempfile.gettempdir()))

_printer = threading.Lock()
_desks = threading.BoundedSemaphore(2)
_redis = redis.Redis.from_url(os.environ.get("SHOP_REDIS", "redis://127.0.0.1:6379/0"))


def ticket(request: HttpRequest) -> HttpResponse:
    with _printer:
        time.sleep(SECONDS)
    return HttpResponse("ticket")


def desk(request: HttpRequest) -> HttpResponse:
    with _desks:
        time.sleep(SECONDS)
    return HttpResponse("served")


def file(request: HttpRequest) -> HttpResponse:
    """One of all workers writes."""
    with (FOLDER / "orders.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        time.sleep(SECONDS)
    return HttpResponse("ordered")


class AuditHandler(logging.Handler):
    """Sends each record to where audits are kept, and waits until it is there."""

    def emit(self, record: logging.LogRecord) -> None:
        time.sleep(SECONDS)


logger = logging.getLogger("shop.audit")
logger.setLevel(logging.INFO)
logger.propagate = False
logger.addHandler(AuditHandler())


def audit(request: HttpRequest) -> HttpResponse:
    logger.info("somebody looks at %s", request.path)
    return HttpResponse("noted")


def invoice(request: HttpRequest) -> HttpResponse:
    """Numbers without a gap, for all workers and machines."""
    with _redis.lock("invoice", timeout=30):
        time.sleep(SECONDS)
    return HttpResponse("invoice")
