import django

django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - the apps come first

application = get_wsgi_application()
