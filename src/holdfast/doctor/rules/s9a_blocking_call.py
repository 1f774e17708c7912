"""S9a: a call that blocks the event loop."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..file import Defined, File
from ..findings import Finding
from ..frameworks import Kind
from ..names import walk
from ..project import Function

CODE = "S9a"
TITLE = "A blocking call on the event loop"
REASON = """While a coroutine waits in a call that isn't awaited, nothing else runs in its process:
all other requests stand still, for as long as the database, the other server or the disk takes."""
WRONG = """
import time

from django.http import HttpResponse

async def report(request):
    time.sleep(1)
    return HttpResponse("done")
"""
RIGHT = """
import asyncio

from django.http import HttpResponse

async def report(request):
    await asyncio.sleep(1)
    return HttpResponse("done")
"""
_BLOCKING = {
    "time.sleep": "it sleeps",
    "os.system": "it waits for a command",
    "subprocess.run": "it waits for a command",
    "subprocess.call": "it waits for a command",
    "subprocess.check_call": "it waits for a command",
    "subprocess.check_output": "it waits for a command",
    "urllib.request.urlopen": "it waits for another server",
    "socket.create_connection": "it waits for another server",
    "smtplib.SMTP": "it waits for a mail server",
    "django.core.mail.send_mail": "it waits for a mail server",
    "pywebpush.webpush": "it waits for another server",
    "subprocess.getoutput": "it waits for a command",
    "subprocess.getstatusoutput": "it waits for a command",
    "urllib.request.urlretrieve": "it waits for another server",
    "socket.getaddrinfo": "it waits for a name server",
    "socket.gethostbyname": "it waits for a name server",
    "django.core.mail.send_mass_mail": "it waits for a mail server",
    "django.core.mail.mail_admins": "it waits for a mail server",
    "django.shortcuts.get_object_or_404": "it waits for the database",
    "django.shortcuts.get_list_or_404": "it waits for the database",
    "django.core.management.call_command": "it runs a command",
    "psycopg2.connect": "it waits for the database",
    "psycopg.connect": "it waits for the database",
    "sqlite3.connect": "it waits for the database",
    "shutil.copy": "it waits for the disk",
    "shutil.copyfile": "it waits for the disk",
    "shutil.copytree": "it waits for the disk",
    "shutil.rmtree": "it waits for the disk",
    "open": "it waits for the disk",
}
#: In functions that are called, only what waits for others counts: a file may be a small one.
_DISK = "it waits for the disk"
_SESSIONS = frozenset({"requests.Session", "requests.session", "httpx.Client", "boto3.client"})
_SAVES = frozenset({"save", "refresh_from_db", "full_clean"})
_TO_THREAD = ("sync_to_async", "database_sync_to_async", "to_thread", "run_in_executor")
_HTTP = ("requests", "httpx", "urllib3")
_VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request"})
_CACHE = frozenset(
    {"get", "set", "add", "delete", "get_or_set", "incr", "decr", "get_many", "set_many", "touch"}
)
_QUERY = frozenset(
    {
        "get", "create", "get_or_create", "update_or_create", "bulk_create", "bulk_update",
        "count", "exists", "first", "last", "latest", "earliest", "aggregate", "in_bulk",
        "update", "delete",
    }
)  # fmt: skip
_MANAGERS = frozenset({"objects", "_default_manager", "_base_manager", "all_objects"})
_DEEPEST = 4


def check(file: File) -> Iterator[Finding]:
    """Calls in coroutines, and in what they call."""
    for function in file.functions:
        if not isinstance(function.node, ast.AsyncFunctionDef):
            continue
        awaited = {
            id(part.value) for part in walk(function.node) if isinstance(part, ast.Await)
        } | {
            id(part.iter)
            for part in walk(function.node)
            if isinstance(part, ast.AsyncFor | ast.comprehension)
        }
        seen: set[str] = set()
        for call in walk(function.node):
            if not isinstance(call, ast.Call) or id(call) in awaited:
                continue
            why = _blocks(file, function, call)
            if not why:
                why = _deeper(file, function, call)
            if not why:
                continue
            written = ast.unparse(call.func)
            if written in seen:
                continue
            seen.add(written)
            sure = bool(file.reached(function)) and _DISK not in why
            yield file.finding(
                CODE,
                call,
                f"{written}() blocks the event loop in {function.name}: {why}, and every other"
                " request of the process waits with it.",
                "Await its async twin, or call it through asgiref's sync_to_async.",
                symbol=function.name,
                attribute=f"{written}()",
                confidence="high" if sure else "medium",
            )


def _blocks(file: File, function: Defined, call: ast.Call) -> str:
    """Why the call blocks by itself; empty, if it doesn't."""
    full = file.project.canonical(function.names.of(call.func))
    return (
        _why(full)
        or _orm(file, function, call)
        or _all_of_a_query(function, call)
        or _of_variable(file, function, call)
    )


def _of_variable(file: File, function: Defined, call: ast.Call) -> str:
    """`session.get(...)` of a `requests.Session`; `article.save()` of a model's object."""
    if not isinstance(call.func, ast.Attribute) or not isinstance(call.func.value, ast.Name):
        return ""
    name = call.func.value.id
    for part in walk(function.node):
        values: list[tuple[ast.AST | None, ast.expr]] = []
        if isinstance(part, ast.Assign):
            values = [(target, part.value) for target in part.targets]
        elif isinstance(part, ast.withitem):
            values = [(part.optional_vars, part.context_expr)]
        for target, value in values:
            if not isinstance(target, ast.Name) or target.id != name:
                continue
            if isinstance(value, ast.Await):
                made = value.value.func if isinstance(value.value, ast.Call) else value.value
                if call.func.attr in _SAVES and _manager(made):
                    return "it waits for the database"
            elif isinstance(value, ast.Call):
                made_by = file.project.canonical(function.names.of(value.func))
                if made_by in _SESSIONS and call.func.attr in _VERBS:
                    return "it waits for another server"
                kind = file.lifetimes.kind(made_by) if made_by else Kind.OTHER
                if call.func.attr in _SAVES and kind is Kind.MODEL:
                    return "it waits for the database"
    return ""


def _manager(node: ast.AST) -> bool:
    while isinstance(node, ast.Call | ast.Attribute):
        if isinstance(node, ast.Attribute) and node.attr in _MANAGERS:
            return True
        node = node.func if isinstance(node, ast.Call) else node.value
    return False


def _all_of_a_query(function: Defined, call: ast.Call) -> str:
    """`list(Model.objects.filter(...))`."""
    if isinstance(call.func, ast.Name) and call.func.id in {"list", "len", "bool", "set", "tuple"}:
        if call.args and isinstance(call.args[0], ast.Call) and _manager(call.args[0]):
            return "it waits for the database"
    return ""


def _why(full: str) -> str:
    if full in _BLOCKING:
        return _BLOCKING[full]
    first, _, name = full.rpartition(".")
    if first in _HTTP and name in _VERBS:
        return "it waits for another server"
    if first == "django.core.cache.cache" and name in _CACHE:
        return "it waits for the cache"
    return ""


def _orm(file: File, function: Defined, call: ast.Call) -> str:
    """`Model.objects....get()`, and `for x in` it."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in _QUERY:
        return ""
    node: ast.expr = call.func.value
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Attribute):
            if node.attr in _MANAGERS:
                owner = function.names.of(node.value)
                return "it waits for the database" if owner and owner[:1] != "." else ""
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            node = node.value
    del file
    return ""


def _deeper(file: File, function: Defined, call: ast.Call) -> str:
    for callee in file.callees(function, call):
        if callee.index.is_async or callee.index.name.endswith("__init__"):
            continue
        if any(decorator.endswith(_TO_THREAD) for decorator in callee.index.decorators):
            continue
        why = _function_blocks(file, callee, 1)
        if why:
            return f"it calls {callee.index.name}, and {why}"
    return ""


def _function_blocks(file: File, function: Function, depth: int) -> str:
    if function.class_name and file.lifetimes.kind(function.class_name) is Kind.TEST:
        return ""
    if any(called.endswith(_TO_THREAD) for called in function.index.calls):
        return ""  # what it calls may run in the thread
    for called in function.index.calls:
        if called == "open" or called.startswith("shutil."):
            continue
        why = _why(file.project.canonical(called)) if not called.startswith(".") else ""
        if not why:
            owner, _, name = called.rpartition(".")
            if name in _QUERY and owner.rpartition(".")[2] in _MANAGERS:
                why = "it waits for the database"
        if why:
            return why
    if depth < _DEEPEST:
        callees = [
            callee
            for called in function.index.calls
            if not called.startswith(".")  # a guess by its name alone
            for callee in file.project.callees(called, function)
        ]
        for callee in callees:
            if not callee.index.is_async and callee.full_name != function.full_name:
                why = _function_blocks(file, callee, depth + 1)
                if why:
                    return why
    return ""
