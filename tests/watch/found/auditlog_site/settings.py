import older_django
from usual_settings import *

older_django.bring_back_names()
ROOT_URLCONF = "auditlog_site.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "audit_log", "auditlog_site"]
MIDDLEWARE = [*MIDDLEWARE, "auditlog_site.middleware.UserLoggingMiddleware"]
