"""`request.resolver_match`, noting what a fragment reads of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import ResolverMatch

from .canonical import canonical
from .observation import ABSENT, Observation

#: Stands before the attribute's name in the part's name.
PART = "match:"
_ATTRIBUTES = frozenset(
    {
        "_func_path",
        "app_name",
        "app_names",
        "args",
        "captured_kwargs",
        "extra_kwargs",
        "kwargs",
        "namespace",
        "namespaces",
        "route",
        "url_name",
        "view_name",
    }
)
_plain = object.__getattribute__


def observed_match(match: ResolverMatch | None, observation: Observation) -> Any:
    """A copy of *match* that tells *observation* what is read of it; None, if there is none."""
    if match is None:
        observation.note_text_of_url(f"{PART}view_name", ABSENT)
        return None
    made = _Observed.__new__(_Observed)
    held: dict[str, Any] = _plain(made, "__dict__")
    held.update(match.__dict__)
    held["_holdfast_observation"] = observation
    return made


def reader(name: str) -> Callable[[HttpRequest], str]:
    """Reads one part of a request: its value as text."""

    def read(request: HttpRequest) -> str:
        match: Any = request.resolver_match
        return ABSENT if match is None else canonical(getattr(match, name), request)

    return read


class _Observed(ResolverMatch):
    def __getattribute__(self, name: str) -> Any:
        if name in _ATTRIBUTES or name in {"func", "tried"}:
            held = _plain(self, "__dict__")
            # The function is known by its name.
            part = name if name in _ATTRIBUTES else "_func_path"
            held["_holdfast_observation"].note_of_url(PART + part, held[part])
        elif name == "__dict__":
            _plain(self, name)["_holdfast_observation"].refuse("it reads resolver_match as a whole")
        return _plain(self, name)
