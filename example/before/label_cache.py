"""A cache of labels for the length of a request, in a `threading.local()`.

The idea: one thread serves one request at a time, so what is in the thread's local is the
request's own, and a middleware clears it at the end.

Why it doesn't hold: Gunicorn's log configuration imports this module (for the filter below) before
gevent patches `threading`. All greenlets of the worker then share one local, and whichever request
ends first clears it for all. On an event loop all requests share one thread anyway.
"""

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labels.models import Label

_cache = threading.local()


def remember(labels: "list[Label]") -> None:
    if not hasattr(_cache, "labels"):
        _cache.labels = {}
    _cache.labels.update({label.url: label for label in labels})


def recall(url: str) -> "Label":
    return _cache.labels[url]


def recall_all() -> "dict[str, Label]":
    return _cache.labels


def clear() -> None:
    """What `label_middleware` calls when a request ends."""
    _cache.__dict__.clear()


class LabelsRemembered(logging.Filter):
    """Adds to each log line how many labels its request remembers."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.labels = len(getattr(_cache, "labels", ()))
        return True
