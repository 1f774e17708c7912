"""The plain ASGI application of `plain/asgi.py`, with the user in `user_log`'s local."""

from typing import Any

from before import user_log
from plain import basket

basket.set_up_log("before.user_log.UserId")


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    user_id, seconds = basket.who_and_how_long(scope["path"], scope["query_string"].decode())
    if user_id is not None:
        user_log.now_serving(user_id)
    body = await basket.aserve(user_id, seconds)
    await send(basket.asgi_start(body))
    await send({"type": "http.response.body", "body": body})
