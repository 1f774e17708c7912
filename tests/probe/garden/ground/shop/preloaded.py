"""For `gunicorn --preload`: all that is imported at the first request otherwise is here already."""

from shop import urls
from shop.wsgi import application

__all__ = ["application", "urls"]
