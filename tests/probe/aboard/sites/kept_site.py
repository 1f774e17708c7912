"""A Django site that keeps a request, a text, or nothing: `kept_site:wsgi`, `kept_site:asgi`."""

from django.conf import settings

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="x",
    LOGGING_CONFIG=None,
    INSTALLED_APPS=["django.contrib.messages", "django.contrib.sessions"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
)

import django  # noqa: E402 - settings first

django.setup()
from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse, StreamingHttpResponse  # noqa: E402
from django.urls import path  # noqa: E402


class Keeper:
    request = None
    texts = []  # noqa: RUF012 - what is to be found


def fine(request):
    request.session["asked"] = request.GET.get("q", "")
    return HttpResponse(request.GET.get("q", ""))


def stream(request):
    return StreamingHttpResponse(iter([request.GET.get("q", "").encode()]))


def fail(request):
    raise ValueError(request.GET.get("q", ""))


def keep(request):
    Keeper.request = request
    Keeper.texts.append(request.GET.get("q", ""))
    return HttpResponse()


urlpatterns = [path(f"{view.__name__}/", view) for view in (fine, stream, fail, keep)]
wsgi = get_wsgi_application()
asgi = get_asgi_application()
