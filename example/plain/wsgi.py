"""The basket service for WSGI servers: `gunicorn -k gevent plain.wsgi`."""

from collections.abc import Callable, Iterable
from typing import Any

import holdfast
import holdfast.wsgi
from plain import basket

basket.set_up_log("plain.user_log.UserId")


def controller(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    user_id, seconds = basket.who_and_how_long(environ["PATH_INFO"], environ["QUERY_STRING"])
    if user_id is not None:
        holdfast.state.user_id = user_id  # once; every log line of this request knows it
    body = basket.serve(user_id, seconds)
    start_response("200 OK", basket.headers(body))
    return [body]


application = holdfast.wsgi.RequestScope(controller)
