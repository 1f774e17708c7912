"""Forms of a page, as far as a login needs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass(slots=True)
class Form:
    """A form.

    Attributes:
        action: where it is sent to; empty: to the page itself.
        values: of its fields, by name.
        name: of the field for the user's name, the last one before the password's.
        password: of the field for the password; empty: it has none.
    """

    action: str = ""
    method: str = "get"
    values: dict[str, str] = field(default_factory=dict)
    name: str = ""
    password: str = ""

    @property
    def is_login(self) -> bool:
        """Whether it asks for a name and a password."""
        return bool(self.name and self.password)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._open)
        elif tag == "input" and self._open is not None and given.get("name"):
            _add(self._open, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def _add(form: Form, given: dict[str, str]) -> None:
    name, kind = given["name"], given.get("type", "text").lower()
    if kind == "password":
        form.password = form.password or name
    elif kind in {"text", "email", "tel"} and not form.password:
        form.name = name
    if kind in {"submit", "image", "button", "reset", "file"}:
        return
    if kind in {"checkbox", "radio"} and "checked" not in given:
        return
    form.values[name] = given.get("value", "")


def forms(page: str) -> list[Form]:
    """All forms of a page."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms
