"""Whether code may run on the event loop as it is: all that it calls is known not to wait."""

from __future__ import annotations

import ast
import builtins

from ..file import Defined, File
from ..names import FunctionNode, everything

_HARMLESS_BUILTINS = frozenset(dir(builtins)) - {
    "open",
    "input",
    "print",
    "exec",
    "eval",
    "__import__",
}
#: Modules, and names in them, none of which waits for anything.
_HARMLESS = (
    "base64.", "binascii.", "collections.", "contextlib.", "contextvars.", "copy.", "datetime.",
    "decimal.", "django.conf.settings.", "django.http.", "django.shortcuts.redirect",
    "django.urls.", "django.utils.", "enum.", "fnmatch.", "functools.", "hashlib.", "hmac.",
    "holdfast.", "html.", "http.", "inspect.", "ipaddress.", "itertools.", "json.", "logging.",
    "math.", "operator.", "os.environ.", "os.getenv", "os.getpid", "random.", "re.", "secrets.",
    "string.", "sys.", "textwrap.", "threading.current_thread", "threading.get_ident", "time.",
    "timeit.", "urllib.parse.", "uuid.", "zoneinfo.",
)  # fmt: skip
_WAITS = frozenset({"time.sleep", "django.utils.autoreload.run_with_reloader"})
#: Of texts, numbers, dicts, lists, dates, patterns and matches, whatever they belong to.
_METHODS = frozenset(
    {
        "add", "append", "capitalize", "casefold", "copy", "count", "decode", "digest", "encode",
        "endswith", "extend", "find", "findall", "format", "fullmatch", "get", "get_full_path",
        "get_host", "get_port", "get_raw_uri", "getlist", "group", "groupdict", "groups",
        "has_header", "hexdigest", "index", "insert", "is_ajax", "is_secure", "isoformat", "items",
        "join", "keys", "lower", "lstrip", "match", "partition", "patch_vary_headers", "pop",
        "removeprefix", "removesuffix", "replace", "rpartition", "rsplit", "rstrip", "search",
        "set_cookie", "setdefault", "split", "splitlines", "startswith", "strftime", "strip",
        "sub", "timestamp", "title", "total_seconds", "update", "upper", "values", "zfill",
        "build_absolute_uri", "delete_cookie", "set_signed_cookie", "get_signed_cookie",
        "urlencode",
    }
)  # fmt: skip
_LOGS = frozenset(
    {"critical", "debug", "error", "exception", "info", "isEnabledFor", "log", "warning"}
)
#: What of a request asks the database, the session's store or the client.
_ASKS = {
    "user": "request.user asks the database (its async form is await request.auser())",
    "session": "request.session asks the session's store",
    "body": "request.body waits for the client",
    "POST": "request.POST waits for the client",
    "FILES": "request.FILES waits for the client",
    "objects": "it asks the database",
}
_DEEPEST = 4


def why_it_may_wait(file: File, function: Defined, passed: frozenset[str]) -> str:
    """What in *function*, or in what it calls, may wait; empty, if all is known not to.

    Args:
        file: where it is defined.
        function: what is to run on the event loop.
        passed: calls that are awaited there, such as `self.get_response`.
    """
    return _Look(file, passed).function(function, 0)


class _Look:
    def __init__(self, file: File, passed: frozenset[str]) -> None:
        self.file = file
        self.passed = passed
        self.by_name = {function.name: function for function in file.functions}
        self.seen: set[str] = set()

    def function(self, function: Defined, depth: int) -> str:
        if function.name in self.seen:
            return ""
        self.seen.add(function.name)
        parts = everything(ast.Module(list(function.node.body), []))
        for part in parts:
            why = self._asked(part)
            if why:
                return why
        for part in parts:
            why = self._call(function, part, depth) if isinstance(part, ast.Call) else ""
            if why:
                return why
        return ""

    @staticmethod
    def _asked(part: ast.AST) -> str:
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Load):
            if part.attr in _ASKS and ast.unparse(part.value) != "response":
                return _ASKS[part.attr]
        if isinstance(part, ast.Yield | ast.YieldFrom | ast.Await):
            return "it is a generator or a coroutine itself"
        return ""

    def _call(self, function: Defined, call: ast.Call, depth: int) -> str:
        written = ast.unparse(call.func)
        if written in self.passed:
            return ""
        full = function.names.of(call.func)
        if full in _WAITS:
            return f"{written}() waits"
        if full.startswith(_HARMLESS):
            return ""
        inner = self.by_name.get(f"{function.name}.{written}") or self.by_name.get(written)
        if isinstance(call.func, ast.Name):
            if inner is not None:
                return self._inner(inner, written, depth)
            if written in _HARMLESS_BUILTINS and full in {"", written, f"builtins.{written}"}:
                return ""
            if self.file.project.class_in_project(self.file.project.canonical(full)):
                return f"what {written}() does isn't known"
        elif isinstance(call.func, ast.Attribute):
            owner, _, name = written.rpartition(".")
            if function.self_name and owner == function.self_name and function.class_name:
                return self._method(function, name, depth)
            if owner == "super()":
                return f"{written}() is defined elsewhere"
            if name in _LOGS and "log" in owner.rpartition(".")[2].lower():
                return ""
            if name in _METHODS and "cache" not in owner.lower():
                return ""
        return f"{written}() may wait: that it doesn't is not known"

    def _inner(self, inner: Defined, written: str, depth: int) -> str:
        if depth >= _DEEPEST:
            return f"{written}() calls too many others"
        if isinstance(inner.node, ast.AsyncFunctionDef) or inner.node.decorator_list:
            return f"what {written}() does isn't known"
        return self.function(inner, depth + 1)

    def _method(self, function: Defined, name: str, depth: int) -> str:
        found = self.file.project.method(function.class_name, name)
        if found is None:
            return f"what self.{name}() does isn't known"
        inner = self.by_name.get(found.index.name)
        if found.module is not self.file.index or inner is None:
            return f"self.{name}() is defined in another file"
        static = [ast.unparse(one) for one in inner.node.decorator_list]
        if depth >= _DEEPEST or not set(static) <= {"staticmethod", "classmethod"}:
            return f"what self.{name}() does isn't known"
        if isinstance(inner.node, ast.AsyncFunctionDef):
            return f"self.{name}() is a coroutine function"
        return self.function(inner, depth + 1)


def calls_of(node: FunctionNode, written: str) -> list[ast.Call]:
    """The calls in a function that read like *written*."""
    return [
        part
        for part in everything(node)
        if isinstance(part, ast.Call) and ast.unparse(part.func) == written
    ]
