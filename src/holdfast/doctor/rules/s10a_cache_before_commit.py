"""S10a: a cache changed before the transaction commits."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..cache_changes import cache_changes
from ..file import Defined, File
from ..findings import Finding
from ..frameworks import RECEIVERS, Kind
from ..index import called_as
from ..names import everything, walk
from ..project import Function
from ._own_cache import is_own_cache

CODE = "S10a"
TITLE = "A cache written or deleted before COMMIT"
REASON = """What runs in save(), in a receiver of a model's signals or in an atomic block runs
before COMMIT. Whoever asks for the key between the delete and the COMMIT loads the old row and
stores it again: the old value is then served until its time-out. And after a rollback the cache
holds what never was."""
WRONG = """
from django.core.cache import cache
from django.db import models

class Article(models.Model):
    def save(self, *args, **kwargs):
        super().save(*args, **kwargs)
        cache.delete(f"article-{self.pk}")
"""
RIGHT = """
from django.core.cache import cache
from django.db import models, transaction

class Article(models.Model):
    def save(self, *args, **kwargs):
        super().save(*args, **kwargs)
        transaction.on_commit(lambda: cache.delete(f"article-{self.pk}"))
"""
_IN_MODELS = frozenset({"save", "delete", "save_base", "asave", "adelete"})
_IN_QUERIES = frozenset({"update", "delete", "bulk_create", "bulk_update"})
_QUERIES = frozenset({"django.db.models.QuerySet", "django.db.models.query.QuerySet"})
_IN_ADMIN = frozenset(
    {
        "save_model", "delete_model", "save_related", "save_formset", "response_add",
        "response_change", "response_delete", "log_addition", "log_change", "log_deletion",
        "delete_queryset",
    }
)  # fmt: skip
_SIGNALS = ("pre_save", "post_save", "pre_delete", "post_delete", "m2m_changed")
_DEEPEST = 3
_ABOUT_CACHES = re.compile(
    r"cach|invalidat|purge|flush|expire|evict|clear|reset|forget", re.IGNORECASE
)
#: Who asks for something may fill a cache with it; that makes nothing untrue.
_ASKS = re.compile(r"^_*(get|fetch|load|find|current|is|has|count|render|send|log)(_|$)")
_LOGS = re.compile(r"^_*(log|debug|info|warning|error|exception)(_|$)")
_MEND = (
    "Do it in transaction.on_commit(...); or have the cache know by itself what a commit changed."
)


def check(file: File) -> Iterator[Finding]:
    """Code that runs within a transaction, and what it does to caches."""
    if "migrations" in file.path.replace("\\", "/").split("/"):
        return  # they run while no request does
    connected = _connected(file)
    for function in file.functions:
        seen: set[str] = set()
        for finding in _in_function(file, function, connected):
            if finding.attribute not in seen:
                seen.add(finding.attribute)
                yield finding
    yield from _in_lambdas(file)


def _in_function(file: File, function: Defined, connected: set[str]) -> Iterator[Finding]:
    where = _in_transaction(file, function, connected)
    if where:
        for call, what in _changes(file, function, function.node, 0):
            yield _found(file, function.name, call, what, where)
    else:
        for part in walk(function.node):
            if isinstance(part, ast.With | ast.AsyncWith) and _is_atomic(function, part):
                for statement in part.body:
                    for call, what in _changes(file, function, statement, 0):
                        yield _found(file, function.name, call, what, "an atomic block")


def _in_lambdas(file: File) -> Iterator[Finding]:
    """`post_save.connect(lambda **kwargs: cache.delete(...))`."""
    if "lambda" not in file.source.text or ".connect(" not in file.source.text:
        return
    for call in everything(file.tree):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        if call.func.attr != "connect" or not ast.unparse(call.func.value).endswith(_SIGNALS):
            continue
        for given in (*call.args, *(keyword.value for keyword in call.keywords)):
            if isinstance(given, ast.Lambda):
                for change in cache_changes(given, file.names, given):
                    assert isinstance(change.func, ast.Attribute)  # noqa: S101 - as above
                    what, where = f"cache.{change.func.attr}", "a receiver of a model's signal"
                    yield _found(file, file.symbol_at(change) or "<lambda>", change, what, where)


def _found(file: File, symbol: str, call: ast.Call, what: str, where: str) -> Finding:
    return file.finding(
        CODE,
        call,
        f"{what} in {where}, before COMMIT: whoever reads in between stores the old row again, and"
        " it is served until its time-out.",
        _MEND,
        symbol=symbol,
        attribute=what,
    )


def _connected(file: File) -> set[str]:
    """Functions of this file that receive a model's signal."""
    project = file.project
    return {
        project.canonical(receiver)
        for module in project.all
        for signal, receiver in module.connected
        if signal.rpartition(".")[2] in _SIGNALS
    }


def _in_transaction(file: File, function: Defined, connected: set[str]) -> str:
    """What makes the function run in a transaction; empty, if nothing does."""
    name = function.own_name
    if _is_put_off(file, function):
        return ""
    if function.class_name:
        if name in _IN_QUERIES and _QUERIES.intersection(
            file.project.ancestors(function.class_name)
        ):
            return f"{name}() of a queryset"
        kind = file.lifetimes.kind(function.class_name)
        if kind is Kind.MODEL and name in _IN_MODELS:
            return f"{name}()"
        if kind is Kind.ADMIN and name in _IN_ADMIN:
            return f"{name}(), which the admin runs in a transaction"
    for decorator in function.node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        full = file.project.canonical(file.names.of(called))
        if full.endswith("method_decorator") and isinstance(decorator, ast.Call):
            given = decorator.args[0] if decorator.args else None
            full = file.names.of(given.func if isinstance(given, ast.Call) else given)
        if full.endswith(("transaction.atomic", "transaction.commit_on_success")):
            return "a function that is atomic"
        if full in RECEIVERS and isinstance(decorator, ast.Call) and decorator.args:
            if any(
                (part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", ""))
                in _SIGNALS
                for part in everything(decorator.args[0])
            ):
                return "a receiver of a model's signal"
    if f"{file.index.name}.{function.name}" in connected:
        return "a receiver of a model's signal"
    return ""


def _is_put_off(file: File, function: Defined) -> bool:
    """Whether a decorator of the project's has it called on_commit."""
    for decorator in function.node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        around = file.project.function(file.names.of(called))
        if around is not None and any(
            call.endswith("on_commit")
            for name, inner in around.module.functions.items()
            if name.startswith(f"{around.index.name}.")
            for call in inner.calls
        ):
            return True
    return False


def _is_atomic(function: Defined, node: ast.With | ast.AsyncWith) -> bool:
    return any(
        function.names.of(
            item.context_expr.func if isinstance(item.context_expr, ast.Call) else item.context_expr
        ).endswith("transaction.atomic")
        for item in node.items
    )


def _changes(
    file: File, function: Defined, node: ast.AST, depth: int
) -> Iterator[tuple[ast.Call, str]]:
    """Calls that change a cache, and what they do; also through functions of the project."""
    project = file.project
    direct = list(
        cache_changes(
            node,
            function.names,
            function.node,
            lambda other: is_own_cache(project, other, function.class_name),
        )
    )
    for call in direct:
        assert isinstance(call.func, ast.Attribute)  # noqa: S101 - as `cache_changes` found it
        yield call, f"cache.{call.func.attr}"
    for part in walk(node):
        if isinstance(part, ast.Call) and part not in direct:
            called = called_as(part.func, function.names)
            name = called.rpartition(".")[2]
            if _LOGS.match(name) or _ASKS.match(name) or called.startswith("super."):
                continue
            if name in _IN_MODELS and called.startswith((".", "self.")):
                continue  # what that does is found there
            guessed = called.startswith(".") or ".objects." in called
            if guessed and not _ABOUT_CACHES.search(name):
                continue  # a guess by its name alone
            for callee in file.callees(function, part):
                if callee.index.name != function.name and _reaches(file, callee, depth + 1):
                    yield part, ast.unparse(part.func).rpartition(".")[2]
                    break


def _reaches(file: File, function: Function, depth: int) -> bool:
    """Whether the function changes a cache, itself or through others, before it returns."""
    if function.index.changes_cache or any(
        is_own_cache(file.project, one, function.class_name) for one in function.index.changes
    ):
        return True
    name = function.index.name.rpartition(".")[2]
    if (
        depth > _DEEPEST
        or not _ABOUT_CACHES.search(name)
        or any(call.endswith("on_commit") for call in function.index.calls)
    ):
        return False
    return any(
        callee.full_name != function.full_name and _reaches(file, callee, depth + 1)
        for called in function.index.calls
        if not called.startswith(".") or _ABOUT_CACHES.search(called)
        for callee in file.project.callees(called, function)
        if not _LOGS.match(callee.index.name.rpartition(".")[2])
        and not _ASKS.match(callee.index.name.rpartition(".")[2])
    )
