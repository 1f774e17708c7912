"""S3a: data of a request in threading.local."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..file import File
from ..findings import Finding
from ..index import REQUEST_DATA
from ..names import everything

CODE = "S3a"
TITLE = "Request data in threading.local"
REASON = """A thread is not a request. Under an event loop all requests share one thread, and read
what the last of them wrote; under a pool a thread serves one request after another, and one that
didn't write reads what the one before left; and work that goes on in another thread finds
nothing."""
WRONG = """
import threading

_local = threading.local()

class CurrentUser:
    async_capable = True

    def process_request(self, request):
        _local.user = request.user
"""
RIGHT = """
import holdfast

class CurrentUser:
    async_capable = True

    def process_request(self, request):
        holdfast.state.user = request.user
"""
_LOCALS = frozenset(
    {"threading.local", "_threading_local.local", "thread._local", "_thread._local"}
)


def check(file: File) -> Iterator[Finding]:
    """Where a `threading.local` is made that request-handling code writes to."""
    for place, holder, attribute, kind in _made(file):
        writers = _writers(file, holder, kind)
        if not any(writers.values()):
            continue
        by = next(name for name, judged in writers.items() if judged)
        yield file.finding(
            CODE,
            place,
            f"{by} keeps data of a request in {attribute}, a threading.local: requests that share"
            " a thread read each other's, and other threads of the same request read none.",
            "Keep it in holdfast.state, or in a ContextVar that is reset.",
            attribute=attribute,
            symbol=attribute if file.symbol_at(place) == "" else file.symbol_at(place),
            severity="error",
        )


def _made(file: File) -> Iterator[tuple[ast.AST, str, str, str]]:
    """Each `threading.local()`: where, its full name, how it is called there, and its class."""
    text = file.source.text
    if "local" not in text and not any(name in text for name in file.project.own_locals):
        return
    for part in everything(file.tree):
        if not isinstance(part, ast.Assign | ast.AnnAssign) or not isinstance(part.value, ast.Call):
            continue
        kind = file.project.canonical(file.names.of(part.value.func))
        if not _is_local(file, kind):
            continue
        targets = part.targets if isinstance(part, ast.Assign) else [part.target]
        for target in targets:
            written = ast.unparse(target)
            symbol = file.symbol_at(part)
            if isinstance(target, ast.Name):
                owner = f"{file.index.name}.{symbol}" if symbol else file.index.name
                yield part, f"{owner}.{target.id}", written, kind
            elif isinstance(target, ast.Attribute):
                owner = f"{file.index.name}.{symbol.rpartition('.')[0]}"
                yield part, f"{owner}.{target.attr}", written, kind


def _is_local(file: File, canonical: str) -> bool:
    return canonical in _LOCALS or (
        file.project.class_in_project(canonical)
        and any(ancestor in _LOCALS for ancestor in file.project.ancestors(canonical))
    )


def _writers(file: File, holder: str, kind: str) -> dict[str, bool]:
    """Functions that write to it, and whether what they write is of a request.

    Those that its own class defines are among them: `def set_user(self, user): self.user = user`.
    """
    project, lifetimes = file.project, file.lifetimes
    found: dict[str, bool] = {}
    own = set(project.ancestors(kind)) - _LOCALS
    for function in project.functions():
        if lifetimes.is_apart(function):
            continue
        for written, values in function.index.writes.items():
            base = written.partition("[")[0]
            if base == "self":
                if function.class_name not in own or function.index.name.endswith("__init__"):
                    continue
            elif project.canonical(base) != holder and not (
                base.startswith("self.")
                and function.class_name
                and f"{function.class_name}.{base[5:]}" == holder
            ):
                continue
            judged = written not in function.index.lasting and (
                bool(REQUEST_DATA & set(values))
                or function.full_name in project.given_request_data
                or function.full_name in lifetimes.reached_by_middleware
            )
            found[function.full_name] = judged
    return found
