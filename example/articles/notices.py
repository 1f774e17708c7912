"""Tells the newsroom about a comment, in a thread of its own."""

import threading

from django.db import connection

import holdfast
from articles.models import Comment, Notice


def notify_newsroom(comment: Comment) -> threading.Thread:
    """Start the thread. `carry` makes it belong to this request: nothing else would."""
    thread = threading.Thread(target=holdfast.carry(write_notice), args=(comment,))
    thread.start()
    return thread


def write_notice(comment: Comment) -> None:
    try:
        who = holdfast.request.user.get_username()
        Notice.objects.create(
            comment=comment, link=comment.share_link(), text=f"{who} said: {comment.text[:80]}"
        )
    finally:
        connection.close()  # a thread's connection is its own to close
