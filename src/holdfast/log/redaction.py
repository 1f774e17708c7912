"""What must not be stored: values under telling names, tokens, card numbers.

Errs on the side of hiding: a number of used tokens is hidden, too, because its name says "token".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any
from urllib.parse import unquote_plus

from .cards import without_cards
from .json_bodies import begins_json, redacted_json
from .pairs import may_have_pairs, without_secret_values
from .secret_names import REMEMBERED, SecretNames

HIDDEN = "***"


class Redaction:
    """Hides what must not be stored. Holds no request's data, beyond names that it has judged.

    Args:
        names: further field names, as in the setting `REDACT`.
        patterns: further regular expressions, as in `REDACT_PATTERNS`.
    """

    def __init__(self, names: Iterable[str] = (), patterns: Iterable[str] = ()) -> None:
        self._names = SecretNames(names)
        #: Whether what stands under a name is hidden.
        self.is_secret = self._names.is_secret
        own = [(None, re.compile(pattern), HIDDEN) for pattern in patterns]
        self._patterns = [*_PATTERNS, *own]
        # Of texts that come again and again, such as paths and user agents, and hold nothing
        # secret: their hashes, as the texts are requests' data.
        self._harmless: set[int] = set()
        # Own patterns may match texts of any length.
        self._shortest = 0 if len(self._patterns) > len(_PATTERNS) else _SHORTEST_SECRET

    def text(self, text: str) -> str:
        """*text* without tokens, card numbers, credentials in URLs and `password=…`."""
        if len(text) < self._shortest or hash(text) in self._harmless:
            return text
        clean = self._cleaned(text)
        if clean == text and len(text) <= _LONGEST_REMEMBERED:
            if len(self._harmless) >= REMEMBERED:
                self._harmless.clear()
            self._harmless.add(hash(text))
        return clean

    def _cleaned(self, text: str) -> str:
        if not text.isascii():
            # Digits and letters of other shapes, and what can't be seen between them.
            folded = _fold(text)
            if folded != text and self._clean(folded) != folded:
                text = folded
        return self._clean(text)

    def _clean(self, text: str) -> str:
        lower = text.lower()
        for signs, pattern, replacement in self._patterns:
            if signs is None or any(sign in lower for sign in signs):
                text = pattern.sub(replacement, text)
        if may_have_pairs(text):
            text = without_secret_values(text, self._names)
        return without_cards(text)

    def query(self, text: str) -> str:
        """A query string or form: the values of secret fields are hidden, all else is as it was."""
        if not text:
            return text
        return "".join(
            part if part in "&;" else self._pair(part) for part in _SEPARATORS.split(text)
        )

    def _pair(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        plain_name = unquote_plus(name)
        if equals and self.is_secret(plain_name):
            return f"{self._shown(name, plain_name)}={HIDDEN}"
        if not equals:
            return self._shown(name, plain_name)
        plain = unquote_plus(value)
        return f"{self._shown(name, plain_name)}={self._shown(value, plain)}"

    def _shown(self, raw: str, plain: str) -> str:
        """*raw*, where it hides nothing; it may be encoded twice, or hold JSON."""
        again = unquote_plus(plain) if "%" in plain else plain
        if begins_json(again):
            return raw if redacted_json(again, self) == again else HIDDEN
        if self.text(plain) != plain or self.text(again) != again:
            return HIDDEN
        return raw

    def value(self, name: str, value: Any, depth: int = 0) -> Any:
        """A value of the application's own (identity, state), as plain data."""
        if self.is_secret(name):
            return HIDDEN
        if value is None or isinstance(value, bool | int | float):
            # A card number may be a number.
            shown = str(value)
            if isinstance(value, float) and not isfinite(value):
                value = shown  # JSON has no such number
            return value if self.text(shown) == shown else HIDDEN
        if isinstance(value, Mapping) and depth < _DEEPEST:
            items = list(value.items())[:_MOST_ITEMS]
            return {str(k)[:100]: self.value(str(k), v, depth + 1) for k, v in items}
        if isinstance(value, list | tuple | set | frozenset) and depth < _DEEPEST:
            return [self.value("", one, depth + 1) for one in list(value)[:_MOST_ITEMS]]
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return HIDDEN
        return self.text(str(value)[:_LONGEST_VALUE])


_DEEPEST = 4
_MOST_ITEMS = 50
_LONGEST_VALUE = 500
_LONGEST_REMEMBERED = 256
_SEPARATORS = re.compile(r"([&;])")


def _fold(text: str) -> str:
    """The same in plain letters and digits, without what is invisible."""
    folded = unicodedata.normalize("NFKC", text)
    return "".join(
        str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c
        for c in folded
        if unicodedata.category(c) != "Cf"
    )


_PREFIXES = (
    *("k_live_", "k_test_", "whsec_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    *("glpat-", "xox", "akia", "asia", "aiza", "ya29.", "sg.", "npm_", "pypi-", "sk-", "dop_v1_"),
    *("hf_", "shp"),
)
#: Each with texts of which one has to be there, in small letters (looking for these is much
#: quicker), and with what takes its place.
_PATTERNS: list[tuple[tuple[str, ...] | None, re.Pattern[str], str]] = [
    (("-----begin",), re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY.*", re.DOTALL), HIDDEN),
    # JSON web tokens, also cut off ones.
    (("eyj",), re.compile(r"eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_=-]*){0,4}"), HIDDEN),
    (
        ("bearer", "basic", "digest", "negotiate", "token"),
        re.compile(
            r"\b(bearer|basic|digest|negotiate|token)(\s+|%20|\+)[^\s\"',;]{4,}", re.IGNORECASE
        ),
        rf"\1 {HIDDEN}",
    ),
    # Tokens that say whose they are.
    (
        _PREFIXES,
        re.compile(
            r"\b(?:[spr]k_(?:live|test)_\w{6,}|whsec_\w{8,}|gh[pousr]_\w{16,}|github_pat_\w{16,}"
            r"|glpat-[\w-]{10,}|xox[a-z]-[\w-]{8,}|(?:AKIA|ASIA)[0-9A-Z]{12,}|AIza[\w-]{20,}"
            r"|ya29\.[\w-]{8,}|SG\.[\w-]{8,}\.[\w-]{8,}|npm_\w{20,}|pypi-[\w-]{20,}|sk-[\w-]{16,}"
            r"|dop_v1_\w{20,}|hf_\w{20,}|shp(?:at|ca|pa|ss)_\w{16,})"
        ),
        HIDDEN,
    ),
    # What Django puts into the links that reset a password.
    (("-",), re.compile(r"\b[0-9a-z]{6,13}-[0-9a-f]{32}\b"), HIDDEN),
    # user:password@ in URLs
    (("://",), re.compile(r"(://)[^/\s:@\"']*:[^/\s\"']*@"), rf"\1{HIDDEN}@"),
]
_SHORTEST_SECRET = 5
