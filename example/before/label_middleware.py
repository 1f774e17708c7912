"""Clears the cache of labels when a request ends: whose, is the question."""

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from before import label_cache


class ClearLabelCache(MiddlewareMixin):
    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        label_cache.clear()
        return response
