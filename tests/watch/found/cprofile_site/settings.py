from usual_settings import *

DEBUG = True
ROOT_URLCONF = "cprofile_site.urls"
MIDDLEWARE = [*MIDDLEWARE, "django_cprofile_middleware.middleware.ProfilerMiddleware"]
DJANGO_CPROFILE_MIDDLEWARE_REQUIRE_STAFF = False
