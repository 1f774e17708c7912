"""What is read when the scope is closed."""

from target import subject
from target.record import record


def watch_scope(own: str) -> None:
    """Look when the scope closes, where there is one."""
    if subject.HOLDFAST:
        import holdfast

        holdfast.current().on_close(lambda: record("closed", "callback", own, subject.read()))
