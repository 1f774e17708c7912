"""Where paths to what stayed behind begin, and what is no finding."""

from __future__ import annotations

import sys
import threading
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

from . import native, places

#: What servers and event loops keep of their last request on a connection isn't the project's.
_SERVERS = (
    *("autobahn", "daphne", "granian", "gunicorn", "h11", "h2", "httptools", "hypercorn"),
    *("socketserver", "twisted", "uvicorn", "uvloop", "uwsgi", "waitress", "wsgiref", "wsproto"),
    *("http.server", "asyncio.base_events", "asyncio.events", "asyncio.selector_events"),
    *("asyncio.sslproto", "asyncio.streams", "asyncio.transports", "django.core.servers"),
    *("werkzeug.serving", "eventlet.wsgi", "gevent.pywsgi", "gevent.baseserver", "gevent.server"),
)
#: Modules that keep things for themselves, within bounds; and this package.
_OWN = ("holdfast.probe", "builtins", "sys", "linecache", "importlib", "encodings", "_pytest")
#: Classes of these keep texts on purpose: caches, and drivers of databases.
_KEEPERS_OF_TEXTS = (
    *("cachetools", "django.core.cache", "django.db.backends", "holdfast.stores", "holdfast.cache"),
    *("redis", "psycopg", "psycopg2", "psycopg_pool", "MySQLdb", "oracledb", "sqlalchemy"),
    *("django.utils.functional", "email", "http.cookies", "pymemcache", "diskcache"),
)
#: Modules whose variables keep texts on purpose: caches of what was asked lately.
_MODULES_OF_TEXTS = (
    *("django.core.cache", "django.utils", "django.urls", "django.template", "re", "urllib"),
    *("email", "http", "sqlparse", "holdfast", "logging", "encodings", "werkzeug", "yarl"),
)


class Roots:
    """What may be a root, as it is now.

    Attributes:
        frames: by the identity of an object, which frame of a thread of the user's own holds it.
    """

    def __init__(self) -> None:
        found: list[tuple[str, Any]] = list(sys.modules.items())
        self._modules = {id(vars(one)): name for name, one in found if isinstance(one, ModuleType)}
        self._middleware = _middleware()
        self.frames: dict[int, str] = {}
        self._running = self._look_at_threads()
        self._passing: set[str] = set(self.frames.values())

    def is_users(self, label: str) -> bool:
        """Whether the root is of the user's own code; what isn't a module's or a class's is."""
        module = label
        while module and module not in sys.modules:
            module = module.rpartition(".")[0]
        file = getattr(sys.modules.get(module), "__file__", None) if module else ""
        return file == "" or (type(file) is str and bool(places._users_path(file)))

    def _look_at_threads(self) -> set[int]:
        running: set[int] = set()
        mine = native.get_ident()
        called = {one.ident: one.name for one in _threads()}
        for thread, top in sys._current_frames().items():
            frame: FrameType | None = top
            while frame is not None:
                running.add(id(frame))
                # What a module's code has as its locals are the module's variables.
                is_module = frame.f_code.co_name == "<module>"
                if thread != mine and not is_module and places.users_file(frame.f_code):
                    where = f"thread {called.get(thread, thread)} in {frame.f_code.co_qualname}"
                    for name, value in list(frame.f_locals.items()):
                        self.frames.setdefault(id(value), f"{where} -> {name}")
                frame = frame.f_back
        return running

    def is_passing(self, label: str) -> bool:
        """Whether what is held from there may end by itself."""
        return label in self._passing

    def blocks(self, holder: Any, *, texts: bool) -> bool:
        """Whether what *holder* holds is no finding, whoever holds *holder*."""
        kind = type(holder)
        if id(holder) in self._running or kind is CodeType:
            return True
        module = kind.__module__
        if type(module) is not str:
            return True
        if kind.__name__ in {"Context", "Token", "ContextVar"} and module == "_contextvars":
            return True  # a task that was started within a request has its context
        if kind.__name__ == "LogRecord" or _within(module, ("holdfast.probe", *_SERVERS)):
            return True
        if not texts:
            return False
        return _within(module, _KEEPERS_OF_TEXTS) or kind.__name__ == "_lru_cache_wrapper"

    def label(self, holder: Any, held: Any, *, texts: bool) -> str | None:
        """What *holder* is called as a root; None: it is none; empty: it counts for nothing."""
        name = self._modules.get(id(holder))
        if name is not None:
            return self._of_module(name, holder, held, texts=texts)
        if issubclass(type(holder), type):
            return self._of_class(holder)
        named = self._of_middleware(holder)
        return named if named is not None else self._of_running(holder)

    def _of_middleware(self, holder: Any) -> str | None:
        kind = type(holder)
        dotted = f"{kind.__module__}.{kind.__qualname__}"
        if dotted in self._middleware:
            return f"{dotted}()"
        if kind is FunctionType:
            named = f"{holder.__module__}.{holder.__qualname__}"
            return named if named.partition(".<locals>")[0] in self._middleware else None
        return None

    def _of_running(self, holder: Any) -> str | None:
        """Threads, tasks and greenlets hold what they work on."""
        kind = type(holder)
        if issubclass(kind, threading.Thread):
            if any(one is holder for one in _threads()):
                return self._may_pass(f"thread {holder.name}")
            return None
        if kind.__name__ == "Task" and kind.__module__ in {"_asyncio", "asyncio.tasks"}:
            return self._of_task(holder)
        if kind.__name__ == "Greenlet" and kind.__module__.startswith("gevent"):
            code = getattr(getattr(holder, "_run", None), "__code__", None)
            if isinstance(code, CodeType) and places.users_file(code):
                return self._may_pass(f"greenlet {code.co_qualname}")
            return ""
        return None

    def _may_pass(self, label: str) -> str:
        self._passing.add(label)
        return label

    def _of_module(self, name: str, namespace: dict[str, Any], held: Any, *, texts: bool) -> str:
        if _within(name, _OWN) or _within(name, _SERVERS):
            return ""
        if texts and _within(name, _MODULES_OF_TEXTS):
            return ""
        for variable, value in list(namespace.items()):
            if value is held:
                return f"{name}.{variable}"
        return ""

    def _of_class(self, kind: type) -> str | None:
        """A class that was made for a while is held by something else."""
        module = sys.modules.get(kind.__module__)
        if getattr(module, kind.__qualname__.partition(".")[0], None) is None:
            return None
        if _within(kind.__module__, _OWN) or _within(kind.__module__, _SERVERS):
            return ""
        return f"{kind.__module__}.{kind.__qualname__}"

    def _of_task(self, task: Any) -> str | None:
        if task.done():
            return None
        code = getattr(task.get_coro(), "cr_code", None)
        if not isinstance(code, CodeType) or not places.users_file(code):
            return ""
        return self._may_pass(f"task {code.co_qualname}")


def _threads() -> list[threading.Thread]:
    # Not `threading.enumerate()`: it takes a lock, which may be the greenlets'.
    return list(threading._active.values())  # type: ignore[attr-defined]


def _within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in packages)


def _middleware() -> frozenset[str]:
    """Django's setting, without having it read now."""
    module = sys.modules.get("django.conf")
    wrapped = vars(module.settings).get("_wrapped") if module is not None else None
    return frozenset(map(str, getattr(wrapped, "MIDDLEWARE", None) or ()))
