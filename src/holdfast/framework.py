"""What a framework tells the rooms below it, before they are loaded: each is, when it is used.

Django's room fills these when the project starts, and loads nothing that the project doesn't use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: Errors that say "there is none", to cached functions that keep such.
absent_errors: list[type[Exception]] = []

#: Asked for arguments that cached functions can't make a key of: what stands for the value in
#: keys, or NotImplemented.
key_makers: list[Callable[[Any], Any]] = []

#: Called after each piece of work that nobody waits for, in the thread or greenlet that did it, to
#: close what it opened.
after_background_work: list[Callable[[], object]] = []
