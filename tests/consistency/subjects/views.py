"""`cached_view`, asked by Django's handler, as a server asks it: middleware, URL and all."""

import json
from types import ModuleType

import django.urls
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, JsonResponse
from django.test import RequestFactory

import holdfast
from holdfast import named_stores
from tests.consistency.library.queries import Words
from tests.consistency.readings import READINGS
from tests.consistency.subjects import steps_of_tags
from tests.consistency.subjects.settings import TTL
from tests.consistency.subjects.subject import Subject


def prepare(name: str) -> Subject:
    tags = type(named_stores.store("cache").tags)
    steps_of_tags.watch(tags)

    @holdfast.django.cached_view(ttl=TTL, name=name)
    def view(request: HttpRequest, name: str, number: int) -> JsonResponse:
        words = READINGS[name].query(number)
        steps_of_tags.reached("loaded")
        return JsonResponse({"words": list(words.items())})

    urls = ModuleType("consistency_urls")
    urls.urlpatterns = [django.urls.path("<name>/<int:number>/", view)]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = urls
    factory, handler = RequestFactory(), BaseHandler()
    handler.load_middleware()

    def read(name: str, number: int) -> Words:
        response = handler.get_response(factory.get(f"/{name}/{number}/"))
        words: Words = dict(json.loads(response.content)["words"])
        return words

    return Subject(read, tags)
