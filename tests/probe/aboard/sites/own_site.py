"""Says what the user's own `sitecustomize` left."""

import os


def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [os.environ.get("OWN_SITE", "").encode()]
