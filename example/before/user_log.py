"""Who is being served, for the log: in a `threading.local()`, set once by the controller.

Why it doesn't hold: Gunicorn's log configuration imports this module before gevent patches
`threading`, so all greenlets share the local. Where it is a real one per thread, nobody takes the
user out again, and the next request of that thread or connection is logged as theirs.
"""

import logging
import threading

_serving = threading.local()


def now_serving(user_id: str) -> None:
    _serving.user_id = user_id


class UserId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.user_id = getattr(_serving, "user_id", "-")
        return True
