"""Pages that hold a row, or the database, while they wait for somebody else."""

import time

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse

SECONDS = 0.2


def take(request: HttpRequest) -> HttpResponse:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE stock SET pieces = pieces - 1 WHERE id = 1")
        _ask_the_carrier()
    return HttpResponse("taken")


def reserve(request: HttpRequest) -> HttpResponse:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pieces FROM stock WHERE id = 1 FOR UPDATE")
        _ask_the_carrier()
    return HttpResponse("reserved")


def _ask_the_carrier() -> None:
    time.sleep(SECONDS)
