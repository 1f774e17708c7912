"""What ASGI servers import: `benchmarks.django_asgi:application`."""

from .django_site import asgi_application, served

application = served(asgi_application)
