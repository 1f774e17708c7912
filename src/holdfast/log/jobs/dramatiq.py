"""Dramatiq: messages carry the id of the request that sent them.

broker.add_middleware(holdfast.log.jobs.dramatiq.CarriesRequest())
# django-dramatiq: "holdfast.log.jobs.dramatiq.CarriesRequest" in DRAMATIQ_BROKER["MIDDLEWARE"]
"""

from __future__ import annotations

from typing import Any

from dramatiq import Broker, Message, Middleware

from . import KEY, incoming, outgoing


class CarriesRequest(Middleware):
    """Sends the request's id with each message, and opens a scope with it around each."""

    def __init__(self) -> None:
        self._opened: dict[str, incoming] = {}

    def before_enqueue(self, broker: Broker, message: Message[Any], delay: int | None) -> None:
        """Called where a message is sent; a retry keeps what it had."""
        if KEY not in message.options and (sent := outgoing()):
            message.options[KEY] = sent

    def before_process_message(self, broker: Broker, message: Any) -> None:
        """Called in the worker's thread, before the actor."""
        opened = incoming(message.options.get(KEY), f"actor {message.actor_name}")
        opened.__enter__()
        self._opened[message.message_id] = opened

    def after_process_message(
        self,
        broker: Broker,
        message: Any,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Called in the same thread, after it."""
        opened = self._opened.pop(message.message_id, None)
        if opened is not None:
            opened.__exit__(None, None, None)

    def after_skip_message(self, broker: Broker, message: Any) -> None:
        """Called in place of that for a message that middleware left out."""
        self.after_process_message(broker, message)
