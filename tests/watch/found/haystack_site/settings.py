import older_django
from usual_settings import *

older_django.bring_back_names()
ROOT_URLCONF = "haystack_site.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "haystack", "haystack_site"]
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
