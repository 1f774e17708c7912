"""HTML from parts. What is not markup already is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable


class Markup(str):
    """Text that is HTML."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Any value as it is read."""
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(visible(value), quote=True))


def visible(value: object) -> str:
    """What a browser shows in another order, or not at all, as what it is."""
    return "".join(
        one if one.isprintable() or one in "\n\t" else f"\\u{ord(one):04x}" for one in str(value)
    )


def joined(parts: Iterable[object], between: str = "") -> Markup:
    """Parts beside each other."""
    return Markup(between.join(text(part) for part in parts))


def element(name: str, /, *parts: object, **attributes: object) -> Markup:
    """`<name ...>parts</name>`; `class_` and `data_code` stand for `class` and `data-code`.

    An attribute that is None or False is left out; one that is True stands alone.
    """
    written = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        spelled = key.rstrip("_").replace("_", "-")
        written.append(f" {spelled}" if value is True else f' {spelled}="{text(value)}"')
    start = f"<{name}{''.join(written)}>"
    if name in _VOID:
        return Markup(start)
    return Markup(f"{start}{joined(parts)}</{name}>")


_VOID = frozenset({"input", "meta", "br", "hr"})
