"""What is raised where there is no request to read."""

from __future__ import annotations


class NoRequest(RuntimeError):  # noqa: N818 - read as a state, like StopIteration
    """There is no request here.

    Raised by reading or writing `holdfast.request`, `holdfast.state` and
    `holdfast.current()` in code that no request runs. The message names the
    usual reasons and what to write instead.
    """

    # Tracebacks show the name that users import.
    __module__ = "holdfast"

    @classmethod
    def here(cls) -> NoRequest:
        """Where no request is."""
        return cls(
            "There is no request here. That is usual in a shell, a job, at import, in a thread or"
            " greenlet started without holdfast.carry(fn), and in middleware above holdfast's own."
            " Write `with holdfast.open_scope():` around jobs and tests, start threads with"
            " holdfast.carry(fn), put RequestScope first, or ask holdfast.current(None)."
        )


class RequestEnded(NoRequest):
    """The request that this code belonged to is over.

    Raised by late access: a task, generator or callback that outlived its
    request without `holdfast.carry`. It names the request; it never hands out
    another request's value.
    """

    __module__ = "holdfast"

    @classmethod
    def named(cls, name: str) -> RequestEnded:
        """After the end of the request called *name*."""
        return cls(
            f"The request {name} has ended, and what it held is gone. Read what you need before it"
            " ends, or start the work that outlives it with holdfast.carry(fn), which keeps it."
        )
