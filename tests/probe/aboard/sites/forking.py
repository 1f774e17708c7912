"""Forks in the middle of a request; the child runs some of it, and is gone."""

import os


def wsgi(environ, start_response):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    start_response("200 OK", [])
    return [b"forked"]
