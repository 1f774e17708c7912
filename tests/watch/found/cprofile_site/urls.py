from django.http import HttpResponse
from django.urls import path
from pauses import pause


def apples(request):
    pause()
    return HttpResponse("apples")


def pears(request):
    pause()
    return HttpResponse("pears")


urlpatterns = [path("apples/", apples), path("pears/", pears)]
