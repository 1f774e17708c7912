"""S2d: an object that a module holds, changed with data of a request by its own methods."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..file import Defined, File
from ..findings import Finding
from ..frameworks import Kind
from ..names import walk
from ..project import Function

CODE = "S2d"
TITLE = "An object of a module that collects data of requests"
REASON = """An object that a module makes when it is imported is as much of the process as a global
is: what its methods keep on it is mixed from all requests that run at once, is reset by each of
them under the others, and is another thing in every worker."""
WRONG = """
class Statistics:
    def __init__(self):
        self.queries = []

    def reset(self):
        self.queries = []

    def note(self, sql):
        self.queries.append(sql)

statistics = Statistics()

class Counting:
    async_capable = True

    def process_request(self, request):
        statistics.reset()
"""
RIGHT = """
import holdfast

class Statistics:
    def __init__(self):
        self.queries = []

    def note(self, sql):
        self.queries.append(sql)

class Counting:
    async_capable = True

    def process_request(self, request):
        holdfast.state.statistics = Statistics()
"""
#: What such objects are called that are of the process on purpose.
_ON_PURPOSE = re.compile(
    r"cache|client|config|context|counter|gauge|histogram|local|log|metric|pool|queue|regist"
    r"|setting|signal|site|storage|store|threshold|tracer|worker|backoff|manager|service|engine"
    r"|recorder|handler|loader|proxy|router|field|provider|factory",
    re.IGNORECASE,
)
_RESETS = re.compile(r"^(reset|clear|start|begin|flush|init)")
_DEEPEST = 2


def check(file: File) -> Iterator[Finding]:
    """Calls that reset such an object, in middleware and in what it calls."""
    for function in file.functions:
        full_name = f"{file.index.name}.{function.name}"
        in_middleware = full_name in file.lifetimes.reached_by_middleware
        if not in_middleware:
            continue
        seen: set[str] = set()
        for part in walk(function.node):
            if not isinstance(part, ast.Call) or not isinstance(part.func, ast.Attribute):
                continue
            held = _of_module(file, function, part.func.value)
            if held is None or held[0] in seen or not _RESETS.match(part.func.attr):
                continue
            name, kind = held
            method = file.project.method(kind, part.func.attr)
            if method is None or not _keeps(file, method, 0):
                continue
            seen.add(name)
            yield file.finding(
                CODE,
                part,
                f"{function.name} calls {ast.unparse(part.func)}() for its request, on an object of"
                " the process: requests that run at once collect into it, and reset it under each"
                " other.",
                "Make one for each request, and keep it in holdfast.state.",
                symbol=function.name,
                attribute=name,
                confidence="medium",
            )


def _of_module(file: File, function: Defined, node: ast.expr) -> tuple[str, str] | None:
    """The name of an object that a module holds, and its class; None, if it is none."""
    full = function.names.of(node)
    if not full:
        return None
    project = file.project
    full = project.canonical(full)
    owner, _, name = full.rpartition(".")
    module = project.modules.get(owner)
    value = module.assigned.get(name, "") if module is not None else ""
    if not value.startswith("call:"):
        return None
    kind = project.made_by(value[5:])
    if not kind or _ON_PURPOSE.search(kind.rpartition(".")[2]) or _ON_PURPOSE.search(name):
        return None
    ancestors = project.ancestors(kind)
    if any(one.endswith((".local", ".Local", "ContextVar")) for one in ancestors):
        return None
    if file.lifetimes.kind(kind) not in {Kind.OTHER, Kind.SINGLETON, Kind.CALLABLE_VIEW}:
        return None
    return name, kind


def _keeps(file: File, method: Function, depth: int) -> bool:
    """Whether the method writes onto its object, itself or through another of its methods."""
    if any(holder == "self" or holder.startswith("self.") for holder in method.index.writes):
        return True
    return depth < _DEEPEST and any(
        callee.class_name and _keeps(file, callee, depth + 1)
        for called in method.index.calls
        if called.startswith("self.") and called.count(".") == 1
        for callee in file.project.callees(called, method)
    )
