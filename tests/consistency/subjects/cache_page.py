"""Django's cache_page, and the usual recipe: the page is deleted in post_save and post_delete.

It deletes the right page, which the recipe found on the net often doesn't. With `_on_commit` it is
deleted after the COMMIT, which is the better recipe.
"""

import json
from functools import partial
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest, JsonResponse
from django.test import RequestFactory
from django.utils.cache import get_cache_key
from django.views.decorators.cache import cache_page

from tests.consistency.library import models
from tests.consistency.library.queries import Words
from tests.consistency.readings import READINGS
from tests.consistency.subjects.subject import Subject

_factory = RequestFactory()
_NAMES = ("article", "comments", "page")


@cache_page(3600)
def view(request: HttpRequest, name: str, number: int) -> JsonResponse:
    return JsonResponse({"words": list(READINGS[name].query(number).items())})


def _request(name: str, number: int) -> HttpRequest:
    return _factory.get(f"/{name}/{number}/")


def _delete(number: int) -> None:
    for name in _NAMES:
        if key := get_cache_key(_request(name, number)):
            cache.delete(key)


def prepare(name: str) -> Subject:
    def changed(sender: type, instance: Any, **_: object) -> None:
        if isinstance(instance, models.Article):
            number = instance.pk - 1
        elif isinstance(instance, models.Comment | models.Link):
            number = instance.article_id - 1
        else:
            return
        if name == "cache_page":
            _delete(number)
        else:
            transaction.on_commit(partial(_delete, number))

    post_save.connect(changed, weak=False)
    post_delete.connect(changed, weak=False)

    def read(name: str, number: int) -> Words:
        response = view(_request(name, number), name, number)
        return dict(json.loads(response.content)["words"])

    return Subject(
        read,
        readings=_NAMES,
        # What sends signals, to which the recipe listens.
        ways=(
            "save",
            "save_one_field",
            "delete_or_create",
            "get_or_create",
            "update_or_create",
            "save_or_delete",
        ),
        envelopes=("autocommit", "atomic", "durable", "rolled_back"),
    )
