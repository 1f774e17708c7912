"""The import of labels on top of the cache in `label_cache`."""

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from before import label_cache
from labels import remote
from labels.models import Label
from labels.uploads import batches
from labels.views import imported


def make_and_remember(urls: list[str]) -> None:
    known = set(Label.objects.filter(url__in=urls).values_list("url", flat=True))
    Label.objects.bulk_create(
        [Label(url=url) for url in dict.fromkeys(urls) if url not in known], ignore_conflicts=True
    )


def import_labels(request: HttpRequest) -> HttpResponse:
    if request.method == "GET" or "urls" not in request.FILES:
        return render(request, "labels/import.html")
    lines = 0
    for batch in batches(request.FILES["urls"]):
        make_and_remember(batch)
        label_cache.remember(list(Label.objects.filter(url__in=batch)))
        for url in batch:
            remote.check(url)
            label_cache.recall(url)
            lines += 1
    used = {label.url: label.pk for label in label_cache.recall_all().values()}
    return imported(request, lines, used)


async def aimport_labels(request: HttpRequest) -> HttpResponse:
    lines = 0
    for batch in batches(request.FILES["urls"]):
        await sync_to_async(make_and_remember)(batch)
        label_cache.remember([label async for label in Label.objects.filter(url__in=batch)])
        for url in batch:
            await remote.acheck(url)
            label_cache.recall(url)
            lines += 1
    used = {label.url: label.pk for label in label_cache.recall_all().values()}
    return imported(request, lines, used)
