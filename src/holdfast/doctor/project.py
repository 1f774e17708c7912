"""All files together: what a name means, what a class inherits, who calls whom."""

from __future__ import annotations

import importlib.machinery
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from . import sources
from .index import ClassIndex, FunctionIndex, ModuleIndex, index_of
from .settings_files import Settings, all_settings

_MOST_STEPS = 20


@dataclass(frozen=True, slots=True)
class Function:
    """A function, and where it is."""

    module: ModuleIndex
    index: FunctionIndex

    @property
    def full_name(self) -> str:
        """With its module."""
        return f"{self.module.name}.{self.index.name}"

    @property
    def class_name(self) -> str:
        """The full name of the class that it is a method of, if it is one."""
        owner = self.index.name.rpartition(".")[0]
        return f"{self.module.name}.{owner}" if owner in self.module.classes else ""


class Project:
    """What all files say of each other.

    Args:
        modules: the indexes of the files that are to be judged.
        search: folders in which to look for the sources of base classes of installed packages;
            nothing there is imported. Default: where this Python imports from.
    """

    def __init__(self, modules: Iterable[ModuleIndex], search: list[str] | None = None) -> None:
        self.modules: dict[str, ModuleIndex] = {}
        self.all: list[ModuleIndex] = []
        for module in modules:
            self.modules.setdefault(module.name, module)
            self.all.append(module)
        self._libraries: dict[str, ModuleIndex | None] = {}
        self._search = sys.path if search is None else search
        self._canonical: dict[str, str] = {}
        self._ancestors: dict[str, list[str]] = {}
        self._classes: dict[str, tuple[ModuleIndex, ClassIndex] | None] = {}
        self._methods: dict[tuple[str, str], Function | None] = {}
        self._reached: dict[tuple[str, str], tuple[Function, ...]] = {}

    # Names

    def canonical(self, full: str) -> str:
        """The name under which what *full* stands for was defined, through all re-exports."""
        known = self._canonical.get(full)
        if known is None:
            self._canonical[full] = full  # a circle of imports ends here
            known = self._canonical[full] = self._resolve(full)
        return known

    def _resolve(self, full: str) -> str:
        for _ in range(_MOST_STEPS):
            module, rest = self._split(full)
            if module is None or not rest:
                return full
            first, _, attribute = rest.partition(".")
            if rest in module.classes or rest in module.functions:
                return full
            stands_for = module.names.get(first)
            if stands_for is None:
                for star in module.stars:
                    there, _ = self._split(star)
                    if there is not None and first in there.names:
                        stands_for = f"{star}.{first}"
                        break
                else:
                    return full
            elif stands_for == f"{module.name}.{first}":
                alias = module.assigned.get(first, "")
                if not alias.startswith("name:") or alias == "name:":
                    return full
                stands_for = alias[5:]
            following = f"{stands_for}.{attribute}" if attribute else stands_for
            if following == full:
                return full
            full = following
        return full

    def _split(self, full: str) -> tuple[ModuleIndex | None, str]:
        """The module that the name begins with, and the rest."""
        parts = full.split(".")
        for length in range(len(parts), 0, -1):
            module = self.modules.get(".".join(parts[:length]))
            if module is not None:
                return module, ".".join(parts[length:])
        return None, full

    def class_(self, full: str) -> tuple[ModuleIndex, ClassIndex] | None:
        """The class of that name, of the project or, where its source is found, of a library."""
        if full in self._classes:
            return self._classes[full]
        canonical = self.canonical(full)
        module, rest = self._split(canonical)
        if module is None:
            found = self._library_class(canonical)
        else:
            class_ = module.classes.get(rest)
            found = None if class_ is None else (module, class_)
        self._classes[full] = found
        return found

    def _library_class(self, full: str) -> tuple[ModuleIndex, ClassIndex] | None:
        for _ in range(_MOST_STEPS):
            module_name, _, name = full.rpartition(".")
            if not module_name:
                return None
            module = self._library_module(module_name)
            if module is None:
                return None
            if name in module.classes:
                return module, module.classes[name]
            following = module.names.get(name, "")
            if not following or following == full:
                for star in module.stars:
                    there = self._library_module(star)
                    if there is not None and name in there.names:
                        following = there.names[name]
                        break
                else:
                    return None
            full = following
        return None

    def _library_module(self, name: str) -> ModuleIndex | None:
        if name in self._libraries:
            return self._libraries[name]
        self._libraries[name] = None
        origin = origin_of(name, self._search)
        if not origin:
            return None
        found = index_of(sources.read(Path(origin)), deep=False)
        found.name = name
        self._libraries[name] = found
        return found

    @property
    def libraries(self) -> dict[str, str]:
        """Modules of installed packages that were looked for, and the files that they are in."""
        return {
            name: "" if module is None else module.path for name, module in self._libraries.items()
        }

    def is_module(self, full: str) -> bool:
        """Whether the name is a module's, of the project or, where it is found, of a library."""
        package = self.modules.get(owner := full.rpartition(".")[0])
        if package is not None:
            return full in self.modules and full.rpartition(".")[2] not in package.assigned
        return bool(owner) and self._library_module(full) is not None

    def function(self, full: str) -> Function | None:
        """The function of that name, if the project has it."""
        full = self.canonical(full)
        module, rest = self._split(full)
        if module is None or rest not in module.functions:
            return None
        return Function(module, module.functions[rest])

    # Classes

    def ancestors(self, full: str) -> list[str]:
        """The class and all it inherits from, nearest first, by their canonical names."""
        full = self.canonical(full)
        known = self._ancestors.get(full)
        if known is None:
            self._ancestors[full] = [full]
            known = [full]
            found = self.class_(full)
            if found is not None:
                for base in found[1].bases:
                    for ancestor in self.ancestors(base) if base else ():
                        if ancestor not in known:
                            known.append(ancestor)
            self._ancestors[full] = known
        return known

    def attribute(self, full: str, name: str) -> tuple[str, str] | None:
        """The first ancestor whose body assigns *name*, and what."""
        for ancestor in self.ancestors(full):
            found = self.class_(ancestor)
            if found is not None and name in found[1].attributes:
                return ancestor, found[1].attributes[name]
        return None

    def method(self, full: str, name: str) -> Function | None:
        """The method as an instance of the class has it; only if the project defines it."""
        if (full, name) not in self._methods:
            self._methods[full, name] = self._method(full, name)
        return self._methods[full, name]

    def _method(self, full: str, name: str) -> Function | None:
        for ancestor in self.ancestors(full):
            found = self.class_(ancestor)
            if found is not None and name in found[1].methods:
                module, owner = found
                index = module.functions.get(f"{owner.name}.{name}")
                return None if index is None else Function(module, index)
        return None

    @cached_property
    def descendants(self) -> dict[str, list[str]]:
        """For each class, those that inherit from it, directly or not."""
        found: dict[str, list[str]] = {}
        for module in self.all:
            for name in module.classes:
                full = f"{module.name}.{name}"
                for ancestor in self.ancestors(full)[1:]:
                    found.setdefault(ancestor, []).append(full)
        return found

    @cached_property
    def methods_by_name(self) -> dict[str, list[Function]]:
        """All methods of the project that bear a name."""
        found: dict[str, list[Function]] = {}
        for module in self.all:
            for name, class_ in module.classes.items():
                for method in class_.methods:
                    index = module.functions.get(f"{name}.{method}")
                    if index is not None:
                        found.setdefault(method, []).append(Function(module, index))
        return found

    @cached_property
    def settings(self) -> list[Settings]:
        """The settings that a server may be started with."""
        return all_settings(self)

    # Calls

    @cached_property
    def called_at_import(self) -> frozenset[str]:
        """Functions and classes that are called, or decorate, while the project is imported."""
        return frozenset(
            self.canonical(called) for module in self.all for called in module.called_at_import
        )

    @cached_property
    def instantiated(self) -> frozenset[str]:
        """What functions call."""
        return frozenset(
            self.canonical(made) for module in self.all for made in module.instantiated
        )

    @cached_property
    def own_locals(self) -> frozenset[str]:
        """The names of classes of the project that inherit from something called `local`."""
        return frozenset(
            name.rpartition(".")[2]
            for module in self.all
            for name in module.classes
            if any(
                one.endswith((".local", "._local"))
                for one in self.ancestors(f"{module.name}.{name}")
            )
        )

    @cached_property
    def given_request_data(self) -> frozenset[str]:
        """Functions that others pass a request, or its user, to."""
        return frozenset(
            callee.full_name
            for function in self.functions()
            for called in function.index.hands_on
            if called and not called.startswith(".")
            for callee in self.callees(called, function)
        )

    @cached_property
    def registered(self) -> frozenset[str]:
        """What is passed to, or decorated with, something whose name ends in `register`."""
        return frozenset(
            self.canonical(name)
            for module in self.all
            for decorator, names in module.registered.items()
            if decorator.endswith("register")
            for name in names
        )

    def functions(self) -> Iterator[Function]:
        """All functions and methods."""
        for module in self.all:
            for index in module.functions.values():
                yield Function(module, index)

    def called_by(self, function: Function) -> Iterator[Function]:
        """The functions of the project that *function* calls, as far as can be told."""
        for called in function.index.calls:
            yield from self.callees(called, function)

    def callees(self, called: str, caller: Function) -> tuple[Function, ...]:
        """The functions of the project that a call, as an index has it, may reach."""
        key = (called, caller.full_name)
        known = self._reached.get(key)
        if known is None:
            known = self._reached[key] = tuple(
                function
                for function in self._callees(called, caller)
                if function.module.name not in self._libraries
            )
        return known

    def _callees(self, called: str, caller: Function) -> Iterator[Function]:
        if called.startswith("self."):
            yield from self._own_method(called[5:], caller)
            return
        if called.startswith("super."):
            yield from self._inherited_method(called[6:], caller)
            return
        if called.startswith("."):
            candidates = self.methods_by_name.get(called[1:], [])
            if len(candidates) == 1:
                yield candidates[0]
            return
        full = self.canonical(called)
        function = self.function(full)
        if function is not None:
            yield function
        elif self.class_in_project(full):
            for name in ("__init__", "__call__"):
                method = self.method(full, name)
                if method is not None:
                    yield method
        else:
            yield from self._method_of_named(full, called, caller)

    def _own_method(self, name: str, caller: Function) -> Iterator[Function]:
        """`self.name()`: as the class has it, or one that inherits from it."""
        owner = caller.class_name
        if not owner:
            return
        if "." in name:
            held, _, name = name.partition(".")
            kind = self.held_by(owner, held)
            if kind:
                method = self.method(kind, name)
            else:
                candidates = self.methods_by_name.get(name, [])
                method = candidates[0] if len(candidates) == 1 else None
            if method is not None:
                yield method
            return
        method = self.method(owner, name)
        if method is not None:
            yield method
        for descendant in self.descendants.get(self.canonical(owner), ()):
            found = self._defined_in(descendant, name)
            if found is not None:
                yield found

    def held_by(self, full: str, attribute: str) -> str:
        """The class of what an object's attribute holds, if `__init__` makes it; else nothing."""
        for ancestor in self.ancestors(full):
            found = self.class_(ancestor)
            if found is not None and attribute in found[1].holds:
                return self.made_by(found[1].holds[attribute])
        return ""

    def made_by(self, called: str) -> str:
        """The class of the project whose object a call gives, itself or by a small function."""
        for _ in range(_MOST_STEPS):
            called = self.canonical(called)
            if self.class_in_project(called):
                return called
            function = self.function(called)
            if function is None or not function.index.returns:
                return ""
            called = function.index.returns
        return ""

    def _inherited_method(self, name: str, caller: Function) -> Iterator[Function]:
        """`super().name()`."""
        if not caller.class_name or "." in name:
            return
        for ancestor in self.ancestors(caller.class_name)[1:]:
            found = self._defined_in(ancestor, name)
            if found is not None:
                yield found
                return

    def _defined_in(self, class_name: str, name: str) -> Function | None:
        """The method, if this very class defines it."""
        found = self.class_(class_name)
        if found is None or name not in found[1].methods:
            return None
        index = found[0].functions.get(f"{found[1].name}.{name}")
        return None if index is None else Function(found[0], index)

    def _method_of_named(self, full: str, called: str, caller: Function) -> Iterator[Function]:
        """`Class.name()`, `Class.objects.name()`, or a function within the caller."""
        owner, _, name = full.rpartition(".")
        if owner and self.class_in_project(owner):
            method = self.method(owner, name)
            if method is not None:
                yield method
        elif owner and self.class_in_project(owner.rpartition(".")[0]):
            # A manager's method, most often.
            yield from self.callees(f".{name}", caller)
        elif owner and (kind := self.kind_of_object(owner)):
            method = self.method(kind, name)
            if method is not None:
                yield method
        else:
            inner = self.function(f"{caller.full_name}.{called}")
            if inner is not None:
                yield inner

    def kind_of_object(self, full: str) -> str:
        """The class of the project whose object a module binds to the name, if that is plain."""
        owner, _, name = self.canonical(full).rpartition(".")
        module = self.modules.get(owner)
        value = module.assigned.get(name, "") if module is not None else ""
        return self.made_by(value[5:]) if value.startswith("call:") else ""

    def class_in_project(self, full: str) -> bool:
        """Whether the class is one of the files that are judged."""
        module, rest = self._split(self.canonical(full))
        return module is not None and rest in module.classes


def origin_of(name: str, search: list[str]) -> str:
    """The file that a module of that name would be imported from; empty, if there is none."""
    path: list[str] | None = search
    spec = None
    for part in name.split("."):
        if path is None:
            return ""
        try:
            spec = importlib.machinery.PathFinder.find_spec(part, path)
        except (ImportError, ValueError):
            return ""
        if spec is None:
            return ""
        locations = spec.submodule_search_locations
        path = list(locations) if locations is not None else None
    origin = None if spec is None else spec.origin
    return origin if origin and origin.endswith(".py") else ""
