"""Labels: the list, and the import of an upload."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from labels import remote
from labels.loading import alabel, label
from labels.models import Label
from labels.uploads import batches


@require_safe
def label_list(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "labels/list.html",
        {"labels": Label.objects.order_by("-pk")[:50], "count": Label.objects.count()},
    )


@require_http_methods(["GET", "POST"])
def import_labels(request: HttpRequest) -> HttpResponse:
    """Take a file with one URL a line; every label that is new is made."""
    if request.method == "GET" or "urls" not in request.FILES:
        return render(request, "labels/import.html")

    lines, used = 0, {}
    for batch in batches(request.FILES["urls"]):
        label.many(batch)  # one load for the batch; after it, asking one by one costs nothing
        for url in batch:
            remote.check(url)
            used[url] = label(url).pk
            lines += 1
    return imported(request, lines, used)


@require_http_methods(["POST"])
async def aimport_labels(request: HttpRequest) -> HttpResponse:
    """The same import as an async view, for ASGI servers."""
    lines, used = 0, {}
    for batch in batches(request.FILES["urls"]):
        await alabel.many(batch)
        for url in batch:
            await remote.acheck(url)
            used[url] = (await alabel(url)).pk
            lines += 1
    return imported(request, lines, used)


def imported(request: HttpRequest, lines: int, used: dict[str, int]) -> HttpResponse:
    """Say what an import did: a page for people, JSON for scripts."""
    summary = {"lines": lines, "labels": used}
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return JsonResponse(summary)
    return render(request, "labels/imported.html", summary)
