"""S2b: a receiver connected for one request, and called for all."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..file import Defined, File
from ..findings import Finding
from ..index import REQUEST_DATA
from ..names import everything, walk

CODE = "S2b"
TITLE = "A signal receiver connected for one request"
REASON = """A signal's receivers are one list for the whole process. One that is connected for a
request is called for what every other request does meanwhile: their saves are stamped with this
request's user. And whoever disconnects it first disconnects it for all."""
WRONG = """
from functools import partial

from django.db.models.signals import pre_save

class Stamp:
    async_capable = True

    def process_request(self, request):
        pre_save.connect(partial(self.stamp, request.user), dispatch_uid=request, weak=False)

    def process_response(self, request, response):
        pre_save.disconnect(dispatch_uid=request)
        return response

    def stamp(self, user, sender, instance, **kwargs):
        instance.changed_by = user
"""
RIGHT = """
import holdfast
from django.db.models.signals import pre_save
from django.dispatch import receiver

@receiver(pre_save)
def stamp(sender, instance, **kwargs):
    instance.changed_by = holdfast.request.user
"""
_SIGNALS = (
    "django.db.models.signals.",
    "django.core.signals.",
    "django.db.backends.signals.",
    "django.contrib.auth.signals.",
    "django.test.signals.",
)
_KNOWS_ITS_REQUEST = ("get_ident", "current_thread", "local", "ContextVar", "Local")


def check(file: File) -> Iterator[Finding]:
    """`signal.connect(...)` in code that requests run."""
    if ".connect(" not in file.source.text:
        return
    for function in file.functions:
        full_name = f"{file.index.name}.{function.name}"
        if full_name not in file.lifetimes.reached_by_middleware:
            if not (REQUEST_DATA & set(function.parameters) and file.reached(function)):
                continue
        seen: set[str] = set()
        for part in walk(function.node):
            if not _connects(file, function, part):
                continue
            assert isinstance(part, ast.Call)  # noqa: S101 - as `_connects` says
            if not part.args or _asks_whose_it_is(file, function, part.args[0]):
                continue
            signal = ast.unparse(part.func).removesuffix(".connect")
            if signal in seen:
                continue
            seen.add(signal)
            yield file.finding(
                CODE,
                part,
                f"{function.name} connects a receiver to {signal} for its request: it is called for"
                " all requests that run meanwhile, and the first that disconnects it does so for"
                " all.",
                "Connect it once, at import, and have it ask holdfast.request whose work it is.",
                symbol=function.name,
                attribute=signal,
                severity="error",
            )


def _connects(file: File, function: Defined, part: ast.AST) -> bool:
    if not (
        isinstance(part, ast.Call)
        and isinstance(part.func, ast.Attribute)
        and part.func.attr == "connect"
    ):
        return False
    full = file.project.canonical(function.names.of(part.func.value))
    if full.startswith(_SIGNALS):
        return True
    owner, _, name = full.rpartition(".")
    module = file.project.modules.get(owner)
    value = module.assigned.get(name, "") if module is not None else ""
    return value.startswith("call:django.dispatch") and value.endswith("Signal")


def _asks_whose_it_is(file: File, function: Defined, receiver: ast.expr) -> bool:
    """Whether the receiver looks for itself if it is called for its own request."""
    if isinstance(receiver, ast.Name):
        for part in walk(function.node):
            if isinstance(part, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == receiver.id for target in part.targets
            ):
                receiver = part.value
                break
    while isinstance(receiver, ast.Call) and receiver.args:
        receiver = receiver.args[0]  # partial(receiver, ...)
    written = ast.unparse(receiver)
    name = written.rpartition(".")[2]
    for one in file.functions:
        if one.own_name == name:
            for part in everything(one.node):
                if isinstance(part, ast.Name):
                    full = file.project.canonical(one.names.of(part))
                    owner, _, last = full.rpartition(".")
                    module = file.project.modules.get(owner)
                    value = module.assigned.get(last, "") if module is not None else ""
                    if value.endswith(_KNOWS_ITS_REQUEST):
                        return True
                    if last in _KNOWS_ITS_REQUEST:
                        return True
    return False
