"""Pages that want the processor."""

import gc
import time

from django.http import HttpRequest, HttpResponse

SECONDS = 0.25


def primes(request: HttpRequest) -> HttpResponse:
    """In threads of one process, one of them computes at a time."""
    found, number = 0, 1
    until = time.thread_time() + SECONDS
    while time.thread_time() < until:
        number += 2
        found += all(number % divisor for divisor in range(3, 60, 2))
    return HttpResponse(str(found))


#: The same, where each worker is a process.
computed = primes

_catalogue: list[list[int]] = []


def tidy(request: HttpRequest) -> HttpResponse:
    """Somebody once had trouble with memory."""
    if not _catalogue:
        _catalogue.extend([number] for number in range(1_500_000))
    gc.collect()
    return HttpResponse("tidied")
