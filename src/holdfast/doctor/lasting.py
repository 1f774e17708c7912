"""What a function keeps on something that isn't its own, and that isn't of any request."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .effects import holder_of
from .names import FunctionNode, everything, walk
from .once import is_looked_for

if TYPE_CHECKING:
    from .index import Names

#: Calls that make something for others to fill: what will be in it nobody can tell.
_TO_BE_FILLED = frozenset(
    {
        "ChainMap", "Counter", "Local", "OrderedDict", "SimpleNamespace", "defaultdict", "deque",
        "dict", "list", "local", "object", "set", "type",
    }
)  # fmt: skip
_OF_REQUEST = frozenset({"request", "_request", "user", "_user", "scope", "tenant"})
_RUNS_THE_VIEW = frozenset({"get_response", "process_view"})
_WITH_VALUE = 3


def lasting(function: FunctionNode, names: Names, writes: dict[str, list[str]]) -> list[str]:
    """Those of the holders in *writes* that the function does no more to than fill in, or mark.

    To fill in is to make what isn't there yet, such as a client. To mark is to set a flag or to
    count for as long as a `try` runs, against recursion.
    """
    found: dict[str, bool] = {}
    for write, holder, attribute, value in _writes(function, names):
        if holder not in writes or holder == "self" or not found.get(holder, True):
            continue
        found[holder] = (
            value is not None
            and not _OF_REQUEST.intersection(writes[holder])
            and not any(
                isinstance(part, ast.Attribute) and part.attr in _OF_REQUEST
                for part in everything(value)
            )
            and (
                _fills_in(function, names, write, f"{holder}.{attribute}", value)
                or _marks(function, names, write, f"{holder}.{attribute}", value)
            )
        )
    return [holder for holder, harmless in found.items() if harmless]


def _writes(
    function: FunctionNode, names: Names
) -> Iterator[tuple[ast.AST, str, str, ast.expr | None]]:
    """Each write: where, the holder, the attribute, and the value; None where it isn't plain."""
    for part in walk(function):
        if isinstance(part, ast.Assign | ast.AnnAssign | ast.AugAssign):
            for target in part.targets if isinstance(part, ast.Assign) else [part.target]:
                if isinstance(target, ast.Attribute):
                    yield part, holder_of(target.value, names), target.attr, part.value
                elif isinstance(target, ast.Subscript):
                    yield part, holder_of(target.value, names), "", None
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
            if part.func.id == "setattr" and len(part.args) == _WITH_VALUE:
                name = part.args[1]
                plain = isinstance(name, ast.Constant)
                said = str(name.value) if isinstance(name, ast.Constant) else ""
                holder = holder_of(part.args[0], names)
                yield part, holder, said, part.args[2] if plain else None
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            yield part, holder_of(part.func.value, names), "", None  # `holder.update(...)`


def _fills_in(
    function: FunctionNode, names: Names, write: ast.AST, place: str, value: ast.expr
) -> bool:
    """Whether something that nobody else fills is put where nothing is yet."""
    if isinstance(value, ast.Dict | ast.List | ast.Set):
        return False
    if isinstance(value, ast.Call) and not (value.args or value.keywords):
        full = names.of(value.func)
        own = f"{names.index.name.partition('.')[0]}."
        if full.rpartition(".")[2] in _TO_BE_FILLED or full.startswith(own):
            return False

    def read(node: ast.AST) -> str:
        return _read(node, names)

    def written(node: ast.AST) -> str:
        return read(node) if isinstance(getattr(node, "ctx", None), ast.Store) else ""

    return is_looked_for(function, write, place, read, written)


def _read(node: ast.AST, names: Names) -> str:
    """The holder and the attribute that a node names."""
    if isinstance(node, ast.Attribute):
        return f"{holder_of(node.value, names)}.{node.attr}"
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"getattr", "hasattr"}
        and len(node.args) > 1
        and isinstance(name := node.args[1], ast.Constant)
        and isinstance(name.value, str)
    ):
        return f"{holder_of(node.args[0], names)}.{name.value}"
    return ""


def _marks(
    function: FunctionNode, names: Names, write: ast.AST, place: str, value: ast.expr
) -> bool:
    """Whether it is a flag or a number that a `finally` puts back, and not around the view."""
    parts = walk(function)
    if any(
        isinstance(part, ast.Call)
        and (getattr(part.func, "attr", "") or getattr(part.func, "id", "")) in _RUNS_THE_VIEW
        for part in parts
    ):
        return False
    last = [
        inner
        for part in parts
        if isinstance(part, ast.Try)
        for statement in part.finalbody
        for inner in walk(statement)
    ]
    if not any(
        isinstance(getattr(part, "ctx", None), ast.Store | ast.Del) and _read(part, names) == place
        for part in last
    ):
        return False
    if any(part is write for part in last):
        return True
    if isinstance(value, ast.BinOp):  # one more than before
        value = value.right
    return isinstance(value, ast.Constant) and isinstance(value.value, bool | int)
