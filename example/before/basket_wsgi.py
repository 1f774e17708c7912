"""The plain WSGI application of `plain/wsgi.py`, with the user in `user_log`'s local."""

from collections.abc import Callable, Iterable
from typing import Any

from before import user_log
from plain import basket

basket.set_up_log("before.user_log.UserId")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    user_id, seconds = basket.who_and_how_long(environ["PATH_INFO"], environ["QUERY_STRING"])
    if user_id is not None:
        user_log.now_serving(user_id)
    body = basket.serve(user_id, seconds)
    start_response("200 OK", basket.headers(body))
    return [body]
