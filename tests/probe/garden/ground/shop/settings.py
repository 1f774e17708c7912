import os
from urllib.parse import urlsplit

SECRET_KEY = "of no worth"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
DEBUG = False
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
ASGI_APPLICATION = "shop.asgi.application"
INSTALLED_APPS: list[str] = []
MIDDLEWARE = os.environ.get("SHOP_MIDDLEWARE", "").split()
USE_TZ = True

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("SHOP_DATABASE", "shop.sqlite3"),
        "OPTIONS": {"timeout": 30},
    }
}
if "SHOP_POSTGRES" in os.environ:
    url = urlsplit(os.environ["SHOP_POSTGRES"])
    DATABASES["default"] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.path.strip("/"),
        "USER": url.username,
        "HOST": url.hostname,
        "PORT": url.port,
    }
