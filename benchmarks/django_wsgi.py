"""What WSGI servers import: `benchmarks.django_wsgi:application`."""

from .django_site import served, wsgi_application

application = served(wsgi_application)
