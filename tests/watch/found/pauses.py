"""A view takes its time, under a server: a query, a service that it calls."""

import os
import time

_SECONDS = float(os.environ.get("FOUND_PAUSE", "0"))


def pause():
    if _SECONDS:
        time.sleep(_SECONDS)
