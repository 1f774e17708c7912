"""As the package's own template for projects has it, as far as the admin of products goes."""

import older_django
from usual_settings import *

older_django.bring_back_names()
ROOT_URLCONF = "cartridge_site.urls"
SITE_ID = 1
USE_I18N = False
TIME_ZONE = "UTC"
USE_MODELTRANSLATION = False
LANGUAGES = (("en", "English"),)
AUTHENTICATION_BACKENDS = ("mezzanine.core.auth_backends.MezzanineBackend",)
STATIC_URL, MEDIA_URL = "/static/", "/media/"
STATIC_ROOT, MEDIA_ROOT = "static", "media"
PACKAGE_NAME_FILEBROWSER = "filebrowser_safe"
PACKAGE_NAME_GRAPPELLI = "grappelli_safe"
INSTALLED_APPS = (
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.redirects",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.sitemaps",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "mezzanine.boot",
    "mezzanine.conf",
    "mezzanine.core",
    "mezzanine.generic",
    "mezzanine.pages",
    "cartridge.shop",
    "mezzanine.blog",
    "mezzanine.forms",
    "mezzanine.galleries",
)
MIDDLEWARE = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "cartridge.shop.middleware.ShopMiddleware",
    "mezzanine.core.request.CurrentRequestMiddleware",
    "mezzanine.pages.middleware.PageMiddleware",
)
OPTIONAL_APPS = (PACKAGE_NAME_FILEBROWSER, PACKAGE_NAME_GRAPPELLI)
TEMPLATES[0]["OPTIONS"]["context_processors"] = [
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
    "django.template.context_processors.request",
    "mezzanine.conf.context_processors.settings",
    "mezzanine.pages.context_processors.page",
]
TEMPLATES[0]["OPTIONS"]["builtins"] = ["mezzanine.template.loader_tags"]

from mezzanine.utils.conf import set_dynamic_settings  # noqa: E402 - as the template has it

set_dynamic_settings(globals())
