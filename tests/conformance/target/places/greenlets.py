"""Greenlets and their pools, each kind only where its hub runs."""

import time

from django.http import HttpRequest, HttpResponse

from target import subject
from target.gates import pause
from target.record import record


def _look(place: str, part: str, marker: str) -> None:
    pause(marker)
    record(place, part, marker, subject.read())


def _look_without_hub(place: str, part: str, marker: str) -> None:
    # In gevent's thread pool a patched sleep would start a second hub.
    record(place, part, marker, subject.read())


def gevent_spawn(request: HttpRequest, marker: str) -> HttpResponse:
    import gevent

    gevent.spawn(subject.carry(_look), "gevent_spawn", "child", marker).join()
    return HttpResponse("ok")


def gevent_pool(request: HttpRequest, marker: str) -> HttpResponse:
    from gevent.pool import Pool

    pool = Pool(2)
    for part in ("first", "second", "third"):
        pool.spawn(subject.carry(_look), "gevent_pool", part, marker)
    pool.join()
    return HttpResponse("ok")


def gevent_threadpool(request: HttpRequest, marker: str) -> HttpResponse:
    import gevent

    pause(marker)
    work = subject.carry(_look_without_hub)
    gevent.get_hub().threadpool.apply(work, ("gevent_threadpool", "thread", marker))
    return HttpResponse("ok")


def gevent_outlives(request: HttpRequest, marker: str) -> HttpResponse:
    import gevent

    def work() -> None:
        over = subject.wait_until_over()
        record("gevent_outlives", "closed", marker, marker if over else "still open after 5 s")
        time.sleep(0.01)
        record("gevent_outlives", "value", marker, subject.read())

    pause(marker)
    gevent.spawn(subject.carry(work))
    return HttpResponse("ok")


def eventlet_spawn(request: HttpRequest, marker: str) -> HttpResponse:
    import eventlet

    eventlet.spawn(subject.carry(_look), "eventlet_spawn", "child", marker).wait()
    return HttpResponse("ok")


def eventlet_pool(request: HttpRequest, marker: str) -> HttpResponse:
    import eventlet

    pool = eventlet.GreenPool(2)
    for part in ("first", "second", "third"):
        pool.spawn(subject.carry(_look), "eventlet_pool", part, marker)
    pool.waitall()
    return HttpResponse("ok")
