"""The basket service for ASGI servers: `uvicorn plain.asgi:application`."""

from typing import Any

import holdfast
import holdfast.asgi
from plain import basket

basket.set_up_log("plain.user_log.UserId")


async def controller(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return  # no lifespan, no WebSockets
    user_id, seconds = basket.who_and_how_long(scope["path"], scope["query_string"].decode())
    if user_id is not None:
        holdfast.state.user_id = user_id
    body = await basket.aserve(user_id, seconds)
    await send(basket.asgi_start(body))
    await send({"type": "http.response.body", "body": body})


application = holdfast.asgi.RequestScope(controller)
