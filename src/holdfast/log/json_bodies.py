"""JSON without what must not be stored, token by token.

Not by `json.loads`: what is kept of a body usually ends in its middle, and nothing is to depend on
how deep somebody nests.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .redaction import Redaction

HIDDEN = "***"
# What parsers pass over before the first bracket: white space, a byte order mark.
_BLANK = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\ufeff\0"

# A string or word may be cut off where the text ends.
_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
        (?P<string>"(?:[^"\\\x00-\x1f]|\\.)*(?:"|\\?\Z))
      | (?P<number>-?\d[\d.eE+-]*)
      | (?P<word>true|false|null|NaN|-?Infinity|[a-zA-Z]{1,8}\Z)
      | (?P<mark>[\[\]{},:])
      | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_DEEPEST = 1000


def begins_json(text: str) -> bool:
    """Whether *text* begins as an object or a list does."""
    return ("{" in text or "[" in text) and text.lstrip(_BLANK)[:1] in ("{", "[")


def redacted_json(text: str, redaction: Redaction) -> str | None:
    """*text* as compact JSON without secrets; it may be cut off at its end. None: it is no JSON."""
    return _Scanner(redaction).scan(text.lstrip(_BLANK))


class _Scanner:
    """Reads tokens, and writes those that may be seen."""

    def __init__(self, redaction: Redaction) -> None:
        self.redaction = redaction
        self.pieces: list[str] = []
        self.inside: list[str] = []  # the brackets that are open
        self.hidden_at = 0  # how many were when the one was opened that is hidden; 0: none is
        self.key = ""  # of the value that comes next
        self.awaited = "value"

    def scan(self, text: str) -> str | None:
        at = 0
        while True:
            found = _TOKEN.match(text, at)
            if found is None or len(self.inside) > _DEEPEST:
                return None
            at, kind = found.end(), found.lastgroup or ""
            if kind == "end":
                return "".join(self.pieces)
            token = found[kind]
            read = self._mark(token) if kind == "mark" else self._scalar(token, kind)
            if not read:
                return None

    def _show(self, piece: str) -> None:
        if not self.hidden_at:
            self.pieces.append(piece)

    def _mark(self, mark: str) -> bool:
        """Whether *mark* may stand where it stands."""
        awaited = self.awaited
        if mark in "[{":
            return self._open(mark) if awaited in ("value", "value or ]") else False
        if mark in "]}":
            return self._close(mark)
        if mark == ":":
            self.awaited = "value"
            self._show(mark)
            return awaited == ":"
        self._show(mark)
        self.key = ""
        self.awaited = "key" if self.inside and self.inside[-1] == "{" else "value"
        return awaited == "," and bool(self.inside)

    def _open(self, bracket: str) -> bool:
        self.inside.append(bracket)
        if not self.hidden_at and self.redaction.is_secret(self.key):
            self.pieces.append(f'"{HIDDEN}"')
            self.hidden_at = len(self.inside)
        else:
            self._show(bracket)
        self.key = ""
        self.awaited = "key or }" if bracket == "{" else "value or ]"
        return True

    def _close(self, bracket: str) -> bool:
        if not self.inside or self.awaited not in (",", f"{_AWAITED[bracket]} or {bracket}"):
            return False
        if self.inside.pop() != _OPENED[bracket]:
            return False
        self._show(bracket)
        if len(self.inside) < self.hidden_at:
            self.hidden_at = 0
        self.awaited = ","
        return True

    def _scalar(self, token: str, kind: str) -> bool:
        if self.awaited in ("key", "key or }"):
            if kind != "string":
                return False
            self.key = _string(token)
            self._show(json.dumps(self.redaction.text(self.key), ensure_ascii=False))
            self.awaited = ":"
            return True
        if self.awaited not in ("value", "value or ]"):
            return False
        self.awaited = ","
        if not self.hidden_at:
            self.pieces.append(self._shown(token, kind))
        return True

    def _shown(self, token: str, kind: str) -> str:
        if self.redaction.is_secret(self.key):
            return f'"{HIDDEN}"'
        if kind != "string":
            return token if self.redaction.text(token) == token else f'"{HIDDEN}"'
        text = _string(token)
        if begins_json(text):
            # JSON in JSON: each level doubles the escapes, so that there can't be many.
            text = redacted_json(text, self.redaction) or self.redaction.text(text)
        elif "=" in text:
            text = self.redaction.query(text)
        return json.dumps(self.redaction.text(text), ensure_ascii=False)


_OPENED = {"]": "[", "}": "{"}
_AWAITED = {"]": "value", "}": "key"}


def _string(token: str) -> str:
    """What a JSON string says; what was cut off in its middle is read as far as it goes."""
    try:
        text: str = json.loads(token, strict=False)
    except ValueError:
        try:
            whole = re.sub(r"\\(?:u[0-9a-fA-F]{0,3})?\Z", "", token)
            text = json.loads(f'{whole}"', strict=False)
        except ValueError:
            return HIDDEN
    return text
