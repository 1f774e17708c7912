from django.contrib.auth.models import User
from django.http import HttpResponse
from django.urls import path
from pauses import pause


def users(request):
    pause()
    return HttpResponse(f"{User.objects.count()} users")


urlpatterns = [path("", users)]
