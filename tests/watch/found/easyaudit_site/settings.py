import older_django
from usual_settings import *

older_django.bring_back_names()
ROOT_URLCONF = "easyaudit_site.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.admin", "easyaudit", "easyaudit_site"]
# Its one migration was written for Django 1.8: tables are made from the models instead.
MIGRATION_MODULES = {"easyaudit": None}
MIDDLEWARE = [*MIDDLEWARE, "easyaudit_site.middleware.EasyAuditMiddleware"]
