from usual_settings import *

DEBUG = True
ROOT_URLCONF = "querycount_site.urls"
MIDDLEWARE = ["querycount.middleware.QueryCountMiddleware", *MIDDLEWARE]
