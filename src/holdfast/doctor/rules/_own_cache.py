"""What a project's own names for Django's caches stand for."""

from __future__ import annotations

from ..cache_changes import is_cache_of
from ..project import Project


def is_own_cache(project: Project, other: str, class_name: str) -> bool:
    """Whether what one file can't tell is one of Django's caches, as another one says.

    Args:
        project: all files.
        other: as in `FunctionIndex.changes`.
        class_name: the full name of the class whose `self.x` it may be.
    """
    if other.endswith("()"):
        function = project.function(other[:-2])
        return function is not None and is_cache_of(f"call:{function.index.returns}")
    if other.startswith("self."):
        found = project.attribute(class_name, other[5:]) if class_name else None
        return found is not None and _is_bound_to_one(project, found[1])
    full = project.canonical(other)
    if is_cache_of(f"name:{full}"):
        return True
    owner, _, name = full.rpartition(".")
    module = project.modules.get(owner)
    return module is not None and _is_bound_to_one(project, module.assigned.get(name, ""))


def _is_bound_to_one(project: Project, kind: str) -> bool:
    if is_cache_of(kind):
        return True
    how, _, value = kind.partition(":")
    if how == "call":
        function = project.function(value)
        return function is not None and is_cache_of(f"call:{function.index.returns}")
    return how in {"name", "item"} and is_cache_of(f"{how}:{project.canonical(value)}")
