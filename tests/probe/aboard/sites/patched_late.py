"""An application whose first line patches, when the observers are long aboard."""

import warnings

warnings.simplefilter("error")

from gevent import monkey  # noqa: E402

monkey.patch_all()

import threading  # noqa: E402
import time  # noqa: E402


def wsgi(environ, start_response):
    found = []
    thread = threading.Thread(target=lambda: found.append(threading.get_ident()))
    thread.start()
    thread.join()
    time.sleep(0.01)
    start_response("200 OK", [])
    return [b"patched" if monkey.is_module_patched("threading") and found else b"not patched"]
