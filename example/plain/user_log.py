"""Puts the user into every log line, also into those of code that was handed nothing."""

import logging

import holdfast


class UserId(logging.Filter):
    """Sets `user_id` on each record: this request's own, or `-` for strangers and outside."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.user_id = holdfast.state.get("user_id", "-")
        return True
