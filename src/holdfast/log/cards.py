"""Card numbers in a text: as people, forms and who wants to hide one write them."""

from __future__ import annotations

import re

HIDDEN = "***"

# Digits with up to three of what people put between them. A run may hold more than the card: a
# number before it, its date, a second card. No commas: lists of small numbers are no cards.
_BETWEEN = r"[\s\-._/+|*()\u2010-\u2015\u2212]|%[0-9a-fA-F]{2}"
_RUN = re.compile(rf"(?<!\d)\d(?:(?:{_BETWEEN}){{0,3}}\d){{12,}}(?!\d)")
_GROUP = re.compile(rf"(?:(?:{_BETWEEN})+)?(\d+)")
_LEAST_DIGITS, _MOST_DIGITS = 13, 19

# How the numbers of today's issuers begin, with the lengths that they have.
_ISSUED = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|5[06-8]\d{11,17}|6\d{15,18}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11,16}|35(?:2[89]|[3-8]\d)\d{12,15}|(?:2131|1800)\d{11}"
    r"|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|220[0-4]\d{12,15}"
    r"|9792\d{12}|8[12]\d{14}"
).fullmatch


def without_cards(text: str) -> str:
    """*text* with three asterisks for each card number, and for what can't be told from one."""
    return _RUN.sub(_hide, text)


def _hide(run: re.Match[str]) -> str:
    text = run[0]
    groups = list(_GROUP.finditer(text))
    if len(groups) == 1:
        return HIDDEN if _holds_card(text) else text
    # A card begins and ends with a group. All that may be one is hidden: taking the first only
    # might leave most of another that begins within it.
    shown, hidden_to = [], 0
    for number, group in enumerate(groups):
        to = _end_of_card(groups, number)
        if to > hidden_to:
            if group.start(1) >= hidden_to:
                shown += [text[hidden_to : group.start(1)], HIDDEN]
            hidden_to = to
    return "".join([*shown, text[hidden_to:]])


def _end_of_card(groups: list[re.Match[str]], first: int) -> int:
    """Where the longest card ends that begins with the group *first*; 0: none does."""
    digits, end = "", 0
    for group in groups[first : first + _MOST_DIGITS]:
        digits += group[1]
        if len(digits) > _MOST_DIGITS:
            # As long as this can only be the first.
            return group.end() if digits == group[1] and _holds_card(digits) else end
        if len(digits) >= _LEAST_DIGITS and _ISSUED(digits) and _adds_up(digits):
            end = group.end()
    return end


def _holds_card(digits: str) -> bool:
    """Whether *digits*, of which nothing stands apart, are a card or have one among them."""
    if len(digits) <= _MOST_DIGITS:
        # A whole number: also one of an issuer that we don't know.
        return (digits[0] in "23456" or _ISSUED(digits) is not None) and _adds_up(digits)
    return any(
        _ISSUED(part) and _adds_up(part)
        for size in (16, 15, 14)
        for part in (digits[at : at + size] for at in range(len(digits) - size + 1))
    )


def _adds_up(digits: str) -> bool:
    """Whether the check digit is right (Luhn)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        worth = int(digit) * (1 + place % 2)
        total += worth - 9 if worth > 9 else worth  # noqa: PLR2004 - Luhn's rule
    return total % 10 == 0
