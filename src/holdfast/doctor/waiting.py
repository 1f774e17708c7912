"""What a function does itself that makes its thread wait: for the database, a server, the disk."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .cache_changes import is_cache
from .names import FunctionNode, walk

if TYPE_CHECKING:
    from .index import Names

COMMAND = "it waits for a command"
DATABASE = "it waits for the database"
DISK = "it waits for the disk"
MAIL = "it waits for a mail server"
SERVER = "it waits for another server"
THE_CACHE = "it waits for the cache"
BLOCKING = {
    "time.sleep": "it sleeps",
    "os.system": COMMAND,
    "os.popen": COMMAND,
    "subprocess.run": COMMAND,
    "subprocess.call": COMMAND,
    "subprocess.check_call": COMMAND,
    "subprocess.check_output": COMMAND,
    "subprocess.getoutput": COMMAND,
    "subprocess.getstatusoutput": COMMAND,
    "urllib.request.urlopen": SERVER,
    "urllib.request.urlretrieve": SERVER,
    "socket.create_connection": SERVER,
    "socket.getaddrinfo": "it waits for a name server",
    "socket.gethostbyname": "it waits for a name server",
    "pywebpush.webpush": SERVER,
    "smtplib.SMTP": MAIL,
    "django.core.mail.send_mail": MAIL,
    "django.core.mail.send_mass_mail": MAIL,
    "django.core.mail.mail_admins": MAIL,
    "django.contrib.auth.authenticate": DATABASE,
    "django.contrib.auth.login": DATABASE,
    "django.db.connection.cursor": DATABASE,
    "django.shortcuts.get_object_or_404": DATABASE,
    "django.shortcuts.get_list_or_404": DATABASE,
    "django.core.management.call_command": "it runs a command",
    "psycopg2.connect": DATABASE,
    "psycopg.connect": DATABASE,
    "sqlite3.connect": DATABASE,
    "shutil.copy": DISK,
    "shutil.copyfile": DISK,
    "shutil.copytree": DISK,
    "shutil.rmtree": DISK,
    "open": DISK,
}
SESSIONS = frozenset({"requests.Session", "requests.session", "httpx.Client", "boto3.client"})
SAVES = frozenset({"save", "refresh_from_db", "full_clean"})
VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request"})
_HTTP = ("requests", "httpx", "urllib3")
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
_MODELS = ("get_user_model", "get_model")
#: What goes through all of what it is given.
_GO_THROUGH = frozenset(
    {"all", "any", "bool", "dict", "frozenset", "len", "list", "max", "min", "set", "sorted", "sum",
     "tuple"}
)  # fmt: skip


def why_named(full: str) -> str:
    """Why a call of what bears that full name waits; empty, if it doesn't."""
    if full in BLOCKING:
        return BLOCKING[full]
    first, _, name = full.rpartition(".")
    if first in _HTTP and name in VERBS:
        return SERVER
    if first == "django.core.cache.cache" and name in _CACHE:
        return THE_CACHE
    return ""


def waits(function: FunctionNode, names: Names) -> Iterator[tuple[ast.expr, str]]:
    """Where the function waits, and for what. Names alone say so: no other file is asked."""
    parts = walk(function)
    if not any(isinstance(p, ast.Call | ast.For | ast.comprehension | ast.With) for p in parts):
        return
    awaited = {id(part.value) for part in parts if isinstance(part, ast.Await)}
    variables = _Variables(function, names)
    for part in parts:
        if isinstance(part, ast.Call):
            if id(part) not in awaited and (why := variables.why(part)):
                yield part, why
        elif isinstance(part, ast.For):
            if variables.is_query(part.iter):
                yield part.iter, DATABASE
        elif isinstance(part, ast.comprehension):
            if not part.is_async and variables.is_query(part.iter):
                yield part.iter, DATABASE
        elif isinstance(part, ast.With):
            for item in part.items:
                used = item.context_expr
                used_as = used.func if isinstance(used, ast.Call) else used
                if names.of(used_as) == "django.db.transaction.atomic":
                    yield used, DATABASE


def waits_by_itself(function: FunctionNode, names: Names) -> str:
    """Why a call of the function waits, seen from others: for small files nobody does."""
    if any(isinstance(part, ast.Yield | ast.YieldFrom | ast.Await) for part in walk(function)):
        return ""
    return next((why for _, why in waits(function, names) if why != DISK), "")


class _Variables:
    """What a function's variables hold, as far as that matters here."""

    def __init__(self, function: FunctionNode, names: Names) -> None:
        self.names = names
        self.queries: set[str] = set()
        self.caches: set[str] = set()
        self.sessions: set[str] = set()
        self.models: set[str] = set()
        for part in walk(function):
            if isinstance(part, ast.Assign):
                for target in part.targets:
                    self.bind(target, part.value)
            elif isinstance(part, ast.withitem) and part.optional_vars is not None:
                self.bind(part.optional_vars, part.context_expr)

    def bind(self, target: ast.expr, value: ast.expr) -> None:
        if not isinstance(target, ast.Name):
            return
        if self.is_query(value):
            self.queries.add(target.id)
        else:
            self.queries.discard(target.id)
        if isinstance(value, ast.Subscript | ast.Name) and is_cache(value, self.names, self.caches):
            self.caches.add(target.id)
        made = value.value if isinstance(value, ast.Await) else value
        if isinstance(made, ast.Call):
            full = self.names.of(made.func)
            if full in SESSIONS:
                self.sessions.add(target.id)
            else:
                asked = isinstance(value, ast.Await) and self.of_manager(made.func)
                if asked or (".models." in full and full.rpartition(".")[2][:1].isupper()):
                    self.models.add(target.id)

    def why(self, call: ast.Call) -> str:
        func = call.func
        full = self.names.of(func)
        if why := why_named(full):
            return why
        if isinstance(func, ast.Name):
            through = func.id in _GO_THROUGH and call.args and self.is_query(call.args[0])
            return DATABASE if through else ""
        if not isinstance(func, ast.Attribute):
            return ""
        owner, name = func.value, func.attr
        if name in _QUERY and (self.of_manager(owner) or self.is_query(owner)):
            return DATABASE
        if name in _CACHE and not full and is_cache(owner, self.names, self.caches):
            return THE_CACHE
        if isinstance(owner, ast.Name):
            if owner.id in self.sessions and name in VERBS:
                return SERVER
            if owner.id in self.models and name in SAVES:
                return DATABASE
        if name in SAVES and _is_user(owner):
            return DATABASE
        return ""

    def is_query(self, node: ast.AST) -> bool:
        """Whether it is a query that has not been asked: `Model.objects.filter(...)`."""
        root = node
        while isinstance(root, ast.Call) and isinstance(root.func, ast.Attribute):
            name = root.func.attr
            if name in _QUERY or name.removeprefix("a") in _QUERY or name == "aiterator":
                return False
            root = root.func.value
        if isinstance(root, ast.Name):
            return root.id in self.queries
        return root is not node and self.of_manager(root)

    def of_manager(self, node: ast.AST) -> bool:
        """Whether it is a manager of something that is known by its name, or comes from one."""
        while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
            if isinstance(node, ast.Attribute):
                if node.attr in _MANAGERS:
                    return self.is_model(node.value)
                node = node.value
            else:
                node = node.func if isinstance(node, ast.Call) else node.value
        return False

    def is_model(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Call):
            called = self.names.of(node.func)
            return called == "type" or called.endswith(_MODELS)
        if isinstance(node, ast.Name) and node.id == "cls":
            return True  # never of `self`: managers are the class's
        return bool(self.names.of(node))


def _is_user(node: ast.expr) -> bool:
    """`self.user`, `request.user`."""
    return isinstance(node, ast.Attribute) and node.attr == "user"
