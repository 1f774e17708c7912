"""Follows the applications that uWSGI loads, which it does from C, by names that only it knows.

Nothing of Python's tells when it has loaded one: a file is run past the import system, and then
its callable is taken from the module's names. So this thread's profile function looks on while
modules run, and puts the followed application in its place at the end of the module, just before
uWSGI takes it. It goes as soon as there are no more to come.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

Wrap = Callable[[Any], Any]
Trouble = Callable[[str, Exception], object]


class _Loading:
    """The profile function."""

    def __init__(self) -> None:
        self.wraps: list[tuple[Wrap, Trouble]] = []

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if event != "return" or frame.f_code.co_name != "<module>" or "uwsgi" not in sys.modules:
            return
        options = sys.modules["uwsgi"].opt
        names = frame.f_globals
        # Code that is run by exec() needs no name.
        module = str(names.get("__name__"))
        attribute = _asked_for(module, options, from_c=frame.f_back is None)
        found = names.get(attribute.removesuffix("()"))
        if not callable(found):
            return
        # Several may be mounted, and uWSGI tells of the last only: then it ends with a request.
        several = "mount" in options
        if attribute.endswith("()"):
            names[attribute.removesuffix("()")] = lambda: self._followed(found(), several=several)
        else:
            names[attribute] = self._followed(found, several=several)
        if not several:
            self._end()

    def _followed(self, application: Any, *, several: bool) -> Any:
        for wrap, trouble in self.wraps:
            try:
                application = wrap(application)
            except Exception as error:  # noqa: BLE001 - an observer may fail, the server may not
                trouble("requests of uWSGI are not followed", error)
        return self._ending(application) if several else application

    def _ending(self, application: Any) -> Any:
        def call(environ: Any, start_response: Any) -> Any:
            self._end()
            return application(environ, start_response)

        return call

    def _end(self) -> None:
        if sys.getprofile() is self:
            sys.setprofile(None)


_loading: _Loading | None = None


def follow(wrap: Wrap, trouble: Trouble) -> None:
    """Wrap the applications that uWSGI loads here, if it is uWSGI that runs Python here.

    Args:
        wrap: around a WSGI application.
        trouble: told, in words and by the error, if one can't be wrapped.
    """
    global _loading
    # Python's own program has arguments; a program that runs Python within has none. That it is
    # uWSGI is known only later.
    if sys.orig_argv or (_loading is None and sys.getprofile() is not None):
        return
    if _loading is None:
        _loading = _Loading()
        sys.setprofile(_loading)
    _loading.wraps.append((wrap, trouble))


def _asked_for(module: str, options: dict[str, Any], *, from_c: bool) -> str:
    """What uWSGI takes from this module once it has run, empty if nothing.

    Args:
        module: its name.
        options: uWSGI's.
        from_c: whether uWSGI itself had it run, and no import of Python's.
    """
    default = next(_texts(options, "callable"), "application")
    # `--wsgi-file shop/wsgi.py`, and a file that is mounted.
    if from_c and module.startswith("uwsgi_file_"):
        return default
    for option in ("module", "wsgi", "mount"):
        for value in _texts(options, option):
            where = value.rpartition("=")[2]
            if where.partition(":")[0] == module:
                return where.partition(":")[2] or default
    return ""


def _texts(options: dict[str, Any], name: str) -> Iterator[str]:
    """An option's values: uWSGI gives bytes, a list of them, or True for one without a value."""
    value = options.get(name)
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, bytes):
            yield one.decode(errors="replace")
