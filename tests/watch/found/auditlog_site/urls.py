from django.http import HttpResponse
from django.urls import path
from pauses import pause

from auditlog_site.models import Note


def write(request):
    pause()
    note = Note(text=request.POST["text"])
    note.save()
    return HttpResponse(f"saved {note.pk}")


urlpatterns = [path("", write)]
