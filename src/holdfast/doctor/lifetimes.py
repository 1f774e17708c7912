"""How long objects of a class live, and which code requests reach."""

from __future__ import annotations

import re
from functools import cached_property

from .frameworks import SHARED, Kind, kind_of_base
from .given_early import given_early
from .index import ClassIndex, FunctionIndex, is_test
from .project import Function, Project

_HOOKS = (
    "process_request",
    "process_view",
    "process_response",
    "process_exception",
    "process_template_response",
)
#: Methods that run when the object is made, or while the project is loaded.
_SETUP = frozenset(
    {
        "__init__",
        "__new__",
        "__init_subclass__",
        "__set_name__",
        "__class_getitem__",
        "__copy__",
        "__deepcopy__",
        "__getstate__",
        "__setstate__",
        "contribute_to_class",
        "as_view",
        "ready",
        "check",
        "get_urls",
        "register",
        "unregister",
        "deconstruct",
        "setUp",
        "setUpClass",
        "setUpTestData",
    }
)
_SELF_AND_REQUEST = 2
#: By these a class is known as a ModelAdmin, or as one to be mixed into one.
_OF_ADMINS = frozenset(
    {
        "add_view", "change_view", "changeform_view", "changelist_view", "delete_model",
        "delete_view", "formfield_for_dbfield", "formfield_for_foreignkey", "get_actions",
        "get_changelist", "get_changelist_instance", "get_fieldsets", "get_form", "get_inlines",
        "get_list_display", "get_queryset", "get_readonly_fields", "has_add_permission",
        "has_change_permission", "has_delete_permission", "has_view_permission",
        "render_change_form", "response_add", "response_change", "save_formset", "save_model",
        "save_related",
    }
)  # fmt: skip
_OF_INLINE = re.compile(r"Inline(Model)?Admin(Mixin)?$")
#: What the admin gives its methods; others are there for whoever sets it up.
_GIVEN_TO_ADMINS = frozenset(
    {
        "args", "change", "form", "formset", "instance", "kwargs", "obj", "object", "object_id",
        "objects", "qs", "queryset", "req", "request", "user",
    }
)  # fmt: skip
#: Signals that are sent while the project is loaded, or by commands.
_AT_START = ("class_prepared", "_migrate", "setting_changed", "_init", "app_registered")
_TEMPLATE_DECORATORS = ("simple_tag", "inclusion_tag", "filter", "tag", "simple_block_tag")


class Lifetimes:
    """Judges the classes and functions of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._kinds: dict[str, Kind] = {}

    # Classes

    def kind(self, full: str) -> Kind:
        """What objects of the class are for."""
        full = self.project.canonical(full)
        known = self._kinds.get(full)
        if known is None:
            known = self._kinds[full] = self._judge(full)
        return known

    def shared(self, full: str) -> bool:
        """Whether one object of the class serves many requests."""
        return self.kind(full) in SHARED

    def _judge(self, full: str) -> Kind:
        project = self.project
        ancestors = project.ancestors(full)
        for ancestor in ancestors:
            kind = kind_of_base(ancestor)
            if kind is Kind.ADMIN and self._made_by_requests(full):
                return Kind.REQUEST
            if kind is not None:
                return kind
        found = project.class_(full)
        if found is None:
            return Kind.OTHER
        _, class_ = found
        if self._is_middleware(full, class_):
            return Kind.MIDDLEWARE
        unknown = [a.rpartition(".")[2] for a in ancestors[1:] if project.class_(a) is None]
        for base in unknown:
            by_name = _by_base_name(base)
            if by_name is not None:
                return by_name
        if full in self._made_at_import:
            if project.method(full, "__call__") is not None:
                return Kind.CALLABLE_VIEW if self._takes_request(full) else Kind.SINGLETON
            return Kind.SINGLETON
        name = class_.name.rpartition(".")[2]
        if name.endswith(("Admin", "AdminMixin")) and not _OF_ADMINS.isdisjoint(class_.methods):
            return Kind.REQUEST if _OF_INLINE.search(name) else Kind.ADMIN
        if class_.name.rpartition(".")[2].endswith("Node") and "render" in class_.methods:
            render = project.method(full, "render")
            if render is not None and "context" in render.index.parameters:
                return Kind.NODE
        return self._of_descendants(full)

    def _of_descendants(self, full: str) -> Kind:
        """What a mixin is mixed into, if that is one kind of thing."""
        kinds = {self.kind(one) for one in self.project.descendants.get(full, ())} - {Kind.TEST}
        (kind,) = kinds if len(kinds) == 1 else {Kind.OTHER}
        return kind if kind not in {Kind.SINGLETON, Kind.CALLABLE_VIEW} else Kind.OTHER

    def _is_middleware(self, full: str, class_: ClassIndex) -> bool:
        project = self.project
        if self._is_named_in_settings(full):
            return True
        hooks = sum(1 for hook in _HOOKS if hook in class_.methods)
        name = class_.name.rpartition(".")[2]
        if hooks >= 1 and (
            "Middleware" in name
            or hooks >= 2  # noqa: PLR2004 - more than one is no coincidence
            or "async_capable" in class_.attributes
            or "middleware" in full.lower()
        ):
            return True
        made = project.method(full, "__init__")
        takes = made is not None and any(
            name in {"get_response", "get_resp"} for name in made.index.parameters[1:3]
        )
        for call in ("__call__", "__acall__"):
            method = project.method(full, call)
            given = [] if method is None else method.index.parameters
            if method is not None and len(set(given) - {"args", "kwargs"}) == _SELF_AND_REQUEST:
                if takes or ("Middleware" in name and method.index.parameters[1] == "request"):
                    return True
        return False

    def _is_named_in_settings(self, full: str) -> bool:
        """Whether a project's MIDDLEWARE names it, from wherever it is imported."""
        parts = full.split(".")
        return any(".".join(parts[n:]) in self._in_settings for n in range(len(parts) - 1))

    @cached_property
    def _in_settings(self) -> set[str]:
        return {
            name
            for module in self.project.all
            for said in module.settings.values()
            for one in said
            if one.path[0] in {"MIDDLEWARE", "MIDDLEWARE_CLASSES"}
            for name in one.value.texts()
        }

    def _takes_request(self, full: str) -> bool:
        method = self.project.method(full, "__call__")
        return method is not None and "request" in method.index.parameters[1:2]

    @cached_property
    def _made_at_import(self) -> set[str]:
        project = self.project
        return {
            project.canonical(instance.kind)
            for module in project.all
            if not module.is_test
            for instance in module.instances
        }

    def _made_by_requests(self, full: str) -> bool:
        """Whether functions make objects of it, and nobody registers it."""
        project = self.project
        family = {full, *project.descendants.get(full, ())}
        return not family.isdisjoint(project.instantiated) and family.isdisjoint(project.registered)

    # Functions

    def at_request_time(self, full_class: str) -> set[str]:
        """The names of the class's methods that run while a request is served."""
        project = self.project
        found = project.class_(full_class)
        if found is None:
            return set()
        _, class_ = found
        kind = self.kind(full_class)
        names = {
            method
            for ancestor in project.ancestors(full_class)
            if (there := project.class_(ancestor))
            for method in there[1].methods
        }
        if kind is Kind.MIDDLEWARE:
            roots = {"__call__", "__acall__", *_HOOKS} & names
        elif kind is Kind.NODE:
            roots = {name for name in names if name.startswith(("render", "get_context"))}
        elif kind is Kind.CALLABLE_VIEW:
            roots = {"__call__"}
        elif kind is Kind.ADMIN:
            roots = {name for name in names - _SETUP if self._is_admins(full_class, name)}
        else:
            roots = names - _SETUP
        reached = self._within_class(full_class, roots)
        if kind is Kind.MIDDLEWARE:
            # What only a class that inherits from it calls, as of a mixin.
            for one in project.descendants.get(project.canonical(full_class), ()):
                reached |= self._within_class(one, {"__call__", "__acall__", *_HOOKS}) & names
        setup = self._within_class(full_class, _SETUP & names)
        only_setup = setup - self._within_class(full_class, roots - setup)
        return (reached - only_setup - _SETUP) & (set(class_.methods) | reached)

    def _is_admins(self, full_class: str, name: str) -> bool:
        """Whether a method is one that the admin calls for a request, by what it is given."""
        method = self.project.method(full_class, name)
        return (
            name in _OF_ADMINS
            or method is None
            or not _GIVEN_TO_ADMINS.isdisjoint(method.index.parameters)
        )

    def _within_class(self, full_class: str, roots: set[str] | frozenset[str]) -> set[str]:
        reached: set[str] = set()
        todo = list(roots)
        while todo:
            name = todo.pop()
            if name in reached:
                continue
            reached.add(name)
            method = self.project.method(full_class, name)
            if method is None:
                continue
            todo += [
                called.partition(".")[2]
                for called in method.index.calls
                if called.startswith(("self.", "super.")) and called.count(".") == 1
            ]
        return reached

    @cached_property
    def given_early(self) -> dict[str, dict[str, str]]:
        """Functions that get a request before the view does, as `given_early.given_early`."""
        return given_early(self.project, self.kind)

    @cached_property
    def reached_by_middleware(self) -> set[str]:
        """Functions that run in a middleware's own code, or are called from there."""
        project = self.project
        reached: set[str] = set()
        todo = [
            function
            for function in project.functions()
            if function.class_name
            and self.kind(function.class_name) is Kind.MIDDLEWARE
            and function.index.name.rpartition(".")[2] in self.at_request_time(function.class_name)
        ] + [
            Function(function.module, inner)
            for function in project.functions()
            if function.index.parameters[:1] == ["get_response"]
            for name, inner in function.module.functions.items()
            if name.startswith(f"{function.index.name}.")
        ]
        todo += [function for function in project.functions() if is_application(function.index)]
        todo += [
            receiver
            for module in project.all
            for signal, name in module.connected
            if signal.endswith(("request_started", "request_finished"))
            and (receiver := project.function(name if "." in name else f"{module.name}.{name}"))
        ]
        while todo:
            function = todo.pop()
            if function.full_name not in reached and not function.module.is_test:
                reached.add(function.full_name)
                todo += project.called_by(function)
        return reached

    @cached_property
    def reached_by_requests(self) -> dict[str, str]:
        """Functions that run while a request is served, and how that is known."""
        project = self.project
        reached: dict[str, str] = {}
        todo: list[Function] = []

        def reach(function: Function, why: str) -> None:
            if function.full_name not in reached:
                reached[function.full_name] = why
                todo.append(function)

        for function in project.functions():
            if function.module.is_test:
                continue
            why = self._entry(function)
            if why:
                reach(function, why)
        while todo:
            function = todo.pop()
            for called in project.called_by(function):
                if not called.module.is_test:
                    reach(called, f"called by {function.full_name}")
            for decorator in function.index.decorators:
                # What a decorator puts around the function runs with it.
                around = self.project.function(decorator)
                if around is not None:
                    prefix = f"{around.index.name}."
                    for name, inner in around.module.functions.items():
                        if name.startswith(prefix):
                            reach(
                                Function(around.module, inner), f"put around {function.full_name}"
                            )
            prefix = f"{function.index.name}."
            for name, inner in function.module.functions.items():
                if name.startswith(prefix) and function.index.name not in function.module.classes:
                    reach(Function(function.module, inner), f"made in {function.full_name}")
        return reached

    @cached_property
    def _connected(self) -> set[str]:
        """Functions that a call connects to a signal."""
        return {
            self.project.canonical(receiver if "." in receiver else f"{module.name}.{receiver}")
            for module in self.project.all
            for signal, receiver in module.connected
            if not signal.endswith(_AT_START)
        }

    def is_apart(self, function: Function) -> bool:
        """Whether only migrations, commands or tests run it: no request shares their process."""
        path = function.module.path.replace("\\", "/")
        if "/migrations/" in path or "/management/" in path:
            return True
        owner = function.class_name
        return bool(owner) and self.kind(owner) in {Kind.COMMAND, Kind.TEST}

    def _entry(self, function: Function) -> str:
        """Why a request runs this function first; empty, if none does."""
        index = function.index
        if self.is_apart(function):
            return ""
        if function.class_name:
            name = index.name.rpartition(".")[2]
            kind = self.kind(function.class_name)
            if name in _SETUP and kind in SHARED:
                return ""
            if kind in SHARED and kind is not Kind.SINGLETON:
                reached = name in self.at_request_time(function.class_name)
                return str(kind.value) if reached else ""
            if kind in {Kind.VIEW, Kind.REQUEST, Kind.MODEL, Kind.CONSUMER}:
                return str(kind.value)
        if "request" in index.parameters[:2]:
            return "it takes the request"
        if function.full_name in self._connected:
            return "it receives a signal"
        if is_application(index):
            return "it is a WSGI or ASGI application"
        for decorator in index.decorators:
            if decorator.rpartition(".")[2] in _TEMPLATE_DECORATORS:
                return "templates call it"
        return ""


def is_application(function: FunctionIndex) -> bool:
    """Whether it takes what servers give an application: WSGI's, or ASGI's."""
    given = [name for name in function.parameters if name not in {"self", "cls"}]
    return given in (["environ", "start_response"], ["scope", "receive", "send"])


def _by_base_name(name: str) -> Kind | None:
    """By the name of a base whose source is not at hand."""
    for ending, kind in (
        ("Inline", Kind.REQUEST),
        ("ModelAdmin", Kind.ADMIN),
        ("Middleware", Kind.MIDDLEWARE),
        ("ViewSet", Kind.VIEW),
        ("APIView", Kind.VIEW),
        ("View", Kind.VIEW),
        ("Serializer", Kind.REQUEST),
        ("Form", Kind.REQUEST),
        ("Consumer", Kind.CONSUMER),
        ("TestCase", Kind.TEST),
        ("Model", Kind.MODEL),
    ):
        if name.endswith(ending):
            return kind
    return None


__all__ = ["Lifetimes", "is_test"]
