"""What the classes of findings are about, in a line each."""

from __future__ import annotations

from .codes import class_of
from .comments import RULES as COMMENT_RULES
from .loaded import RULES as LOADED_RULES
from .rules import Rule, all_rules

TITLES = {
    "S1": "Data of one request on an object that outlives it",
    "S2": "Containers of the process that requests change",
    "S3": "Request data in threading.local, or keyed by thread",
    "S4": "Middleware that forces a thread under ASGI",
    "S5": "Set for a request and not taken back on every path",
    "S6": "The client's address from an unchecked header",
    "S7": "The body read in middleware before the view",
    "S8": "Cache and server settings that don't mean what they say",
    "S9": "Blocking calls on the event loop",
    "S10": "The cache written before the transaction is committed",
    "H1": "Good to know",
    "H2": "Good to know of the loaded project",
    "D1": "Comments for the doctor that don't say what they should",
    "D2": "What the doctor could not do",
}


def title(class_: str) -> str:
    """What a class is about; for one without a text here, what its first rule is about."""
    known = TITLES.get(class_)
    if known is not None:
        return known
    return next((rule.title for rule in every_rule() if class_of(rule.code) == class_), "")


def every_rule() -> tuple[Rule, ...]:
    """Those that look at the code, at the loaded project, and at the doctor's own comments."""
    return (*all_rules(), *LOADED_RULES, *COMMENT_RULES)


def known_codes() -> list[str]:
    """All classes and codes that can be named, classes first."""
    codes = sorted((rule.code for rule in every_rule()), key=order)
    return [*dict.fromkeys(class_of(code) for code in codes), *codes]


def order(code: str) -> tuple[bool, int, str]:
    """The key to sort codes or classes by: the classes of state first, `S2` before `S10`."""
    return not code.startswith("S"), len(class_of(code)), code
