"""A function's parameters as source, for wrappers that are compiled with the very same ones."""

from __future__ import annotations

import inspect
from typing import Any


def parameter_list(signature: inspect.Signature) -> tuple[str, str]:
    """The parameters as source, defaults as a mere mark, and how to pass them on."""
    written: list[str] = []
    passed: list[str] = []
    parameters = list(signature.parameters.values())
    for index, parameter in enumerate(parameters):
        if parameter.kind is parameter.KEYWORD_ONLY:
            if index == 0 or parameters[index - 1].kind is not parameter.KEYWORD_ONLY:
                written.append("*")
            passed.append(f"{parameter.name}={parameter.name}")
        else:
            passed.append(parameter.name)
        marked = "" if parameter.default is parameter.empty else "=None"
        written.append(parameter.name + marked)
        is_last_positional_only = parameter.kind is parameter.POSITIONAL_ONLY and (
            index + 1 == len(parameters) or parameters[index + 1].kind is not parameter.kind
        )
        if is_last_positional_only:
            written.append("/")
    return ", ".join(written), ", ".join(passed)


def attach_defaults(signature: inspect.Signature, made: Any) -> None:
    """Give *made* the defaults of *signature*: those of the innermost function, too."""
    parameters = signature.parameters.values()
    given = {p.name: p.default for p in parameters if p.default is not p.empty}
    keyword_only = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    made.__defaults__ = tuple(v for name, v in given.items() if name not in keyword_only) or None
    made.__kwdefaults__ = {name: v for name, v in given.items() if name in keyword_only} or None
