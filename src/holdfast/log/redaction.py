"""What must not be stored: values under telling names, tokens, card numbers.

Errs on the side of hiding: a number of used tokens is hidden, too, because its name says "token".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote_plus

from .cards import without_cards

HIDDEN = "***"

# Anywhere in a name, once it is lower case and without anything but letters and digits.
_PARTS = (
    *("password", "passwd", "passphrase", "passcode", "secret", "token", "apikey", "accesskey"),
    *("privatekey", "signingkey", "encryptionkey", "credential", "authorization", "cookie"),
    *("csrf", "xsrf", "session", "signature", "creditcard", "cardnumber", "cardno", "securitycode"),
    *("kennwort", "motdepasse", "contrasena", "senha", "iban"),
)
# As one of a name's words.
_WORDS = frozenset(
    {
        *("pass", "pwd", "pw", "auth", "bearer", "jwt", "otp", "totp", "mfa", "pin", "pan", "ssn"),
        *("card", "cc", "cvv", "cvv2", "cvc", "cvc2", "csc", "sid", "sig", "key", "code", "nonce"),
        *("salt", "hash", "pwdhash"),
    }
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+|\d+")
_LONGEST_NAME = 256


class Redaction:
    """Hides what must not be stored. Holds no request's data, beyond names that it has judged.

    Args:
        names: further field names, as in the setting `REDACT`.
        patterns: further regular expressions, as in `REDACT_PATTERNS`.
    """

    def __init__(self, names: Iterable[str] = (), patterns: Iterable[str] = ()) -> None:
        self._parts = (*_PARTS, *filter(None, (_letters(name) for name in names)))
        own = [(None, re.compile(pattern), HIDDEN) for pattern in patterns]
        self._patterns = [*_PATTERNS, *own]
        self._judged: dict[str, bool] = {}
        # Texts that come again and again, such as paths and user agents, and hold nothing secret.
        self._harmless: set[str] = set()
        # Own patterns may match texts of any length.
        self._shortest = 0 if len(self._patterns) > len(_PATTERNS) else _SHORTEST_SECRET

    def is_secret(self, name: str) -> bool:
        """Whether what stands under *name* is hidden."""
        found = self._judged.get(name)
        if found is None:
            found = self._judge(name)
            if len(self._judged) < _JUDGED_NAMES and len(name) <= _LONGEST_NAME:
                self._judged[name] = found
        return found

    def _judge(self, name: str) -> bool:
        if len(name) > _LONGEST_NAME:
            return True  # nobody names a field so, who means well
        plain = unicodedata.normalize("NFKC", unquote_plus(name))
        letters = _letters(plain)
        if any(part in letters for part in self._parts):
            return True
        words = {word.lower() for word in _WORD.findall(plain)}
        return letters in _WORDS or not _WORDS.isdisjoint(words)

    def text(self, text: str) -> str:
        """*text* without tokens, card numbers, credentials in URLs and `password=…`."""
        if len(text) < self._shortest or text in self._harmless:
            return text
        clean = self._cleaned(text)
        if clean == text and len(text) <= _LONGEST_NAME:
            if len(self._harmless) >= _JUDGED_NAMES:
                self._harmless.clear()
            self._harmless.add(text)
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
        if again[:1] in ("{", "["):
            from .json_bodies import redacted_json

            found = redacted_json(again, self)
            return raw if found == again else HIDDEN
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
            return value if self.text(shown) == shown else HIDDEN
        if isinstance(value, Mapping) and depth < _DEEPEST:
            items = list(value.items())[:_MOST_ITEMS]
            return {str(k)[:100]: self.value(str(k), v, depth + 1) for k, v in items}
        if isinstance(value, list | tuple | set | frozenset) and depth < _DEEPEST:
            return [self.value("", one, depth + 1) for one in list(value)[:_MOST_ITEMS]]
        return self.text(str(value)[:_LONGEST_VALUE])


_DEEPEST = 4
_MOST_ITEMS = 50
_LONGEST_VALUE = 500
_JUDGED_NAMES = 4096
_SEPARATORS = re.compile(r"([&;])")


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", name).lower()))


def _fold(text: str) -> str:
    """The same in plain letters and digits, without what is invisible."""
    folded = unicodedata.normalize("NFKC", text)
    return "".join(
        str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c
        for c in folded
        if unicodedata.category(c) != "Cf"
    )


_TELLING_NAME = (
    r"pass(?:word|wd|phrase|code)|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|credentials?|authorization|session[_-]?(?:id|key)|csrf\w*|cvv2?|cvc2?|card[_-]?(?:number|no)"
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
    # password=…, "token": …, in any text
    (
        ("=", ":", "%3d"),
        re.compile(
            rf"((?:{_TELLING_NAME})[\"'\]]{{0,3}}\s{{0,3}}(?:=>|[=:]|%3[dD])\s{{0,3}})"
            r"(?:\\?\"[^\"]*(?:\"|$)|'[^']*(?:'|$)|[^\s&;,\"'}\]]+)",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
]
_SHORTEST_SECRET = 5
