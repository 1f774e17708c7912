"""S2c: a setting of the whole process, changed for one request."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..file import Defined, File
from ..findings import Finding
from ..names import dotted, walk

CODE = "S2c"
TITLE = "A setting of the whole process, changed for a request"
REASON = """Django's settings, the environment, the working directory, the locale, the variables of
another module: a process has one of each. What a request changes there holds for all that run
meanwhile, stays until the worker ends, and is unknown to the other workers."""
WRONG = """
from django.conf import settings

def preview(request):
    settings.LANGUAGE_CODE = request.GET["language"]
"""
RIGHT = """
from django.utils import translation

def preview(request):
    with translation.override(request.GET["language"]):
        ...
"""
_CALLS = {
    "locale.setlocale": "the locale",
    "os.chdir": "the working directory",
    "os.umask": "the umask",
    "os.putenv": "the environment",
    "os.unsetenv": "the environment",
    "os.environ.update": "the environment",
    "os.environ.pop": "the environment",
    "socket.setdefaulttimeout": "the time-out of all sockets",
    "logging.disable": "the level of all logs",
    "sys.setrecursionlimit": "the limit of recursion",
    "time.tzset": "the time zone of the process",
    "random.seed": "the seed of all random numbers",
}
_AT_START = re.compile(r"^_*(main|setup|set_up|configure|init|install|patch|ready|boot|run)")
_SETTINGS = "django.conf.settings"


def check(file: File) -> Iterator[Finding]:
    """What functions that requests run assign to, and call."""
    for function in file.functions:
        why = file.reached(function)
        if not why or _AT_START.search(function.own_name):
            continue
        seen: set[str] = set()
        for part in walk(function.node):
            what = _changes(file, function, part)
            if not what or what in seen:
                continue
            seen.add(what)
            yield file.finding(
                CODE,
                part,
                f"{function.name} changes {what} while a request is served ({why}): it holds for"
                " every other request of this worker, and for none of another's.",
                "Pass it as an argument, keep it in holdfast.state, or use what is made for one"
                " request (translation.override, timezone.override, env= of a command).",
                symbol=function.name,
                attribute=what,
                confidence="high" if "request" in function.parameters else "medium",
            )


def _changes(file: File, function: Defined, part: ast.AST) -> str:
    """What of the process the statement or call changes, in words; nothing, if none."""
    if isinstance(part, ast.Call):
        full = function.names.of(part.func)
        if full in _CALLS:
            if full == "locale.setlocale" and len(part.args) < 2:  # noqa: PLR2004 - it only asks
                return ""
            return _CALLS[full]
        if dotted(part.func) == "setattr" and len(part.args) > 2:  # noqa: PLR2004 - with a value
            if function.names.of(part.args[0]) == _SETTINGS:
                return "Django's settings"
        return ""
    if not isinstance(part, ast.Assign | ast.AugAssign | ast.Delete):
        return ""
    targets = [part.target] if isinstance(part, ast.AugAssign) else part.targets
    for target in targets:
        if isinstance(target, ast.Subscript):
            if function.names.of(target.value) == "os.environ":
                return "the environment"
            if function.names.of(target.value).startswith(f"{_SETTINGS}."):
                return f"Django's settings ({ast.unparse(target.value)})"
        elif isinstance(target, ast.Attribute):
            full = function.names.of(target.value)
            if full == _SETTINGS:
                return f"Django's settings ({ast.unparse(target)})"
            if full and _is_module(file, function, target.value, full):
                return f"a variable of another module ({ast.unparse(target)})"
    return ""


def _is_module(file: File, function: Defined, owner: ast.expr, full: str) -> bool:
    """Whether the name stands for a module that was imported."""
    if not isinstance(owner, ast.Name) or full == owner.id:
        return False
    return file.project.is_module(full)
