"""Names that say that their value is secret."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote_plus

# Anywhere in a name, once it is lower case and without anything but letters and digits.
_PARTS = (
    *("password", "passwd", "passphrase", "passcode", "secret", "token", "apikey", "accesskey"),
    *("privatekey", "signingkey", "encryptionkey", "credential", "authorization", "cookie"),
    *("csrf", "xsrf", "session", "signature", "creditcard", "cardnumber", "cardno", "securitycode"),
    *("pwd", "cvv", "cvc", "kennwort", "passwort", "motdepasse", "contrasena", "senha", "iban"),
)
# As one of a name's words.
_WORDS = frozenset(
    {
        *("pass", "pw", "auth", "bearer", "jwt", "otp", "totp", "mfa", "pin", "pan", "ssn", "card"),
        *("cc", "csc", "sid", "sig", "key", "code", "nonce", "salt", "hash"),
    }
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+|\d+")
_ENCODED_AGAIN = re.compile(r"%(?:25)+")
LONGEST_NAME = 256
REMEMBERED = 4096

# Letters of other scripts that look like these, and some that no normal form takes apart.
_LIKE_SMALL = {
    "a": "\u0430\u03b1\u0251",
    "b": "\u044c\u03b2",
    "c": "\u0441\u03f2",
    "d": "\u0501\u0111",
    "e": "\u0435\u03b5",
    "g": "\u0261\u0581",
    "h": "\u04bb\u0570\u043d\u0127",
    "i": "\u0456\u03b9\u0131",
    "j": "\u0458\u03f3",
    "k": "\u043a\u03ba",
    "l": "\u04cf\u0142",
    "m": "\u043c",
    "n": "\u03b7\u0578",
    "o": "\u043e\u03bf\u0585\u00f8",
    "p": "\u0440\u03c1",
    "q": "\u051b",
    "r": "\u0433",
    "s": "\u0455",
    "t": "\u0442\u03c4",
    "u": "\u03c5\u057d",
    "v": "\u0475\u03bd",
    "w": "\u051d\u03c9",
    "x": "\u0445\u03c7",
    "y": "\u0443\u03b3\u04af",
}
_LIKE_LARGE = {
    "A": "\u0410\u0391",
    "B": "\u0412\u0392",
    "C": "\u0421\u03f9",
    "D": "\u0110",
    "E": "\u0415\u0395",
    "H": "\u041d\u0397",
    "I": "\u0406\u0399\u04c0",
    "J": "\u0408",
    "K": "\u041a\u039a",
    "L": "\u0141",
    "M": "\u041c\u039c",
    "N": "\u039d",
    "O": "\u041e\u039f\u00d8",
    "P": "\u0420\u03a1",
    "Q": "\u051a",
    "S": "\u0405",
    "T": "\u0422\u03a4",
    "U": "\u054d",
    "V": "\u0474",
    "W": "\u051c",
    "X": "\u0425\u03a7",
    "Y": "\u0423\u03a5\u04ae",
}
_LIKE = {
    ord(like): letter
    for letters in (_LIKE_SMALL, _LIKE_LARGE)
    for letter, those in letters.items()
    for like in those
}


class SecretNames:
    """Judges names, and remembers how it has judged them.

    Args:
        names: further ones, as in the setting `REDACT`.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._parts = (*_PARTS, *filter(None, (_letters(_folded(name)) for name in names)))
        self._judged: dict[str, tuple[bool, bool]] = {}

    def is_secret(self, name: str) -> bool:
        """Whether a field of this *name* is hidden."""
        return self._of(name)[0]

    def is_telling(self, name: str) -> bool:
        """The same for a *name* in running text, where "code: 7" and "key: 7" say little."""
        return self._of(name)[1]

    def _of(self, name: str) -> tuple[bool, bool]:
        found = self._judged.get(name)
        if found is None:
            found = self._judge(name)
            if len(self._judged) < REMEMBERED and len(name) <= LONGEST_NAME:
                self._judged[name] = found
        return found

    def _judge(self, name: str) -> tuple[bool, bool]:
        if len(name) > LONGEST_NAME:
            return True, True  # nobody names a field so, who means well
        # In a URL within a URL it is encoded more than once.
        plain = _folded(unquote_plus(unquote_plus(_ENCODED_AGAIN.sub("%", name))))
        letters = _letters(plain)
        if any(part in letters for part in self._parts):
            return True, True
        words = {word.lower() for word in _WORD.findall(plain)}
        return letters in _WORDS or not _WORDS.isdisjoint(words), False


def _folded(name: str) -> str:
    """*name* without accents, in the letters that its own look like."""
    if name.isascii():
        return name
    apart = unicodedata.normalize("NFKD", name)
    return "".join(c for c in apart if unicodedata.category(c) not in _UNSEEN).translate(_LIKE)


# Marks that are set upon letters, and what can't be seen between them.
_UNSEEN = ("Mn", "Me", "Cf")


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))
