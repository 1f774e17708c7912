"""Names with their values in any text: `password: …`, `"pin": …`, the query of a URL."""

from __future__ import annotations

import re

from .secret_names import SecretNames

HIDDEN = "***"

# In a URL within a URL everything is encoded, maybe more than once: "=" is %3D, and then %253D.
_ENCODED = r"%(?:25)*+"
_BLANK = rf"(?:[\s+]|{_ENCODED}(?:20|09|0[aAdD]))"
_OF_A_NAME = (
    rf"(?:[\w.\-$\[\]]|{_ENCODED}(?:2[4dDeE]|3\d|4[1-9a-fA-F]|5[\dabdABDfF]|6[1-9a-fA-F]|7[\daA]"
    r"|[89a-fA-F][\da-fA-F]))"
)
# Each name is taken whole, whether a value follows or not, and nothing is tried twice: so the time
# for a text grows with its length, whatever it is.
_NAME = re.compile(
    rf"(?P<name>{_OF_A_NAME}++)"
    rf"(?:(?P<closed>(?:[\\\"']|{_ENCODED}(?:22|27|5[cC])){{0,8}}+){_BLANK}{{0,3}}+"
    rf"(?P<sign>=>|[=:]|{_ENCODED}3[aAdD])\s{{0,3}}+)?+"
    # What is encoded and belongs to no name: the F of %3F begins none.
    rf"|{_ENCODED}[\da-fA-F]{{2}}"
)
# A quoted text ends with its quotation mark. What is in brackets may end anywhere.
_VALUE = re.compile(r"\\*\"[^\"]*\"?|'[^']*'?|[\[{(].*|[^\s&;,\"'}\]]+", re.DOTALL)
_VALUE_OF_QUERY = re.compile(r"[^\s&;]+")


def may_have_pairs(text: str) -> bool:
    """Whether *text* has a sign that can stand between a name and its value."""
    return "=" in text or ":" in text or "%" in text


def without_secret_values(text: str, names: SecretNames) -> str:
    """*text* with three asterisks for each value whose name is one of *names*."""
    shown: list[str] = []
    at = hidden_to = 0
    while found := _NAME.search(text, at):
        at = found.end()
        sign = found["sign"]
        if sign is None:
            continue
        is_text = sign[-1] in ":aA" and not found["closed"]
        # Of a.host:80 it is what stands last.
        name = found["name"]
        if not (names.is_telling(name.rpartition(".")[2]) if is_text else names.is_secret(name)):
            continue
        in_query = sign[-1] in "=dD" and text[found.start() - 1 : found.start()] in _BEFORE_IN_QUERY
        value = (_VALUE_OF_QUERY if in_query else _VALUE).match(text, at)
        if value is not None:
            shown += [text[hidden_to:at], HIDDEN]
            at = hidden_to = value.end()
    return "".join([*shown, text[hidden_to:]])


_BEFORE_IN_QUERY = ("?", "&", ";", "#")
