"""A page that asks somebody else, by a pool of one connection."""

import os

import urllib3
from django.http import HttpRequest, HttpResponse

UPSTREAM = os.environ.get("SHOP_UPSTREAM", "http://127.0.0.1:9/")

_upstream = urllib3.PoolManager(maxsize=1, block=True)


def ask(request: HttpRequest) -> HttpResponse:
    answer = _upstream.request("GET", UPSTREAM, timeout=30)
    return HttpResponse(answer.data)
