"""Which functions get a request before the view does: a middleware's, and those that they call."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .frameworks import Kind
from .project import Function, Project

_BEFORE = ("process_request", "process_view", "__call__", "__acall__")
_DEEPEST = 3


def given_early(project: Project, kind: Callable[[str], Kind]) -> dict[str, dict[str, str]]:
    """For the full name of each: the parameters that are the request, and whose middleware it is.

    Args:
        project: all files.
        kind: what objects of a class are for.
    """
    found: dict[str, dict[str, str]] = {}
    todo = [(*root, 0) for root in _roots(project, kind)]
    while todo:
        function, parameter, owner, depth = todo.pop()
        known = found.setdefault(function.full_name, {})
        if parameter in known or function.module.is_test:
            continue
        known[parameter] = owner
        if depth < _DEEPEST:
            todo += [
                (callee, there, owner, depth + 1)
                for called, given, place in function.index.hands_early
                if given == parameter
                for callee in _callees(project, called, function)
                if (there := _parameter(callee, place))
            ]
    return found


def _roots(project: Project, kind: Callable[[str], Kind]) -> Iterator[tuple[Function, str, str]]:
    for function in project.functions():
        owner, _, name = function.index.name.rpartition(".")
        if name in _BEFORE and function.class_name and function.index.parameters[1:]:
            if kind(function.class_name) is Kind.MIDDLEWARE:
                yield function, function.index.parameters[1], owner
        inner = function.module.functions.get(f"{function.index.name}.{function.index.gives}")
        if inner is not None and inner.parameters and function.index.parameters:
            if function.index.parameters[0] in {"get_response", "get_resp"}:
                yield Function(function.module, inner), inner.parameters[0], function.index.name


def _callees(project: Project, called: str, caller: Function) -> Iterator[Function]:
    if called.startswith("."):
        return  # a guess by its name alone
    if called.startswith("self.") and called.count(".") > 1:
        if not project.held_by(caller.class_name, called.split(".")[1]):
            return
    for callee in project.callees(called, caller):
        if not (callee.index.name.endswith(".__call__") and project.class_in_project(called)):
            yield callee


def _parameter(callee: Function, place: str) -> str:
    """The parameter that takes the value; nothing, if there is none."""
    names = callee.index.parameters
    if callee.class_name and "staticmethod" not in callee.index.decorators:
        names = names[1:]
    if place.isdigit():
        return names[int(place)] if int(place) < len(names) else ""
    return place if place in names else ""
