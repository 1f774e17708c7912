"""A book that one of all workers may write into: the lock is made before they are forked."""

import multiprocessing
import time

from django.http import HttpRequest, HttpResponse

SECONDS = 0.2

_book = multiprocessing.Lock()


def write(request: HttpRequest) -> HttpResponse:
    with _book:
        time.sleep(SECONDS)
    return HttpResponse("booked")
