"""Card numbers in a text: as people, forms and who wants to hide one write them."""

from __future__ import annotations

import re
from itertools import accumulate

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
    digits = _Digits("".join(group[1] for group in groups))
    if len(groups) == 1:
        return HIDDEN if digits.hold_card(0, len(text)) else text
    # The groups, by how many digits stand before their ends.
    ends = dict(zip(accumulate(len(group[1]) for group in groups), groups, strict=True))
    # A card begins and ends with a group. All that may be one is hidden: taking the first only
    # might leave most of another that begins within it.
    shown, hidden_to, begin = [], 0, 0
    for end, group in ends.items():
        to = group.end() if end - begin > _MOST_DIGITS and digits.hold_card(begin, end) else 0
        for last in range(begin + _LEAST_DIGITS, begin + _MOST_DIGITS + 1):
            if last in ends and digits.are_card(begin, last):
                to = ends[last].end()
        if to > hidden_to:
            if group.start(1) >= hidden_to:
                shown += [text[hidden_to : group.start(1)], HIDDEN]
            hidden_to = to
        begin = end
    return "".join([*shown, text[hidden_to:]])


# What a digit counts at every second place, from the right (Luhn).
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


class _Digits:
    """The digits of a run. Any part of it is judged at the same small cost: a run may be long."""

    def __init__(self, digits: str) -> None:
        self._digits = digits
        plain = [int(digit) for digit in digits]
        doubled = [_DOUBLED[digit] for digit in plain]
        # Added up from the left: with the digits doubled at even places, and at odd ones.
        sums = []
        for parity in (0, 1):
            worth = plain.copy()
            worth[parity::2] = doubled[parity::2]
            sums.append(list(accumulate(worth, initial=0)))
        self._sums = sums

    def add_up(self, begin: int, end: int) -> bool:
        """Whether the check digit of this part is right."""
        # The last digit isn't doubled.
        sums = self._sums[end % 2]
        return (sums[end] - sums[begin]) % 10 == 0

    def are_card(self, begin: int, end: int) -> bool:
        """Whether this part is a number of today's issuers."""
        return self.add_up(begin, end) and _ISSUED(self._digits, begin, end) is not None

    def hold_card(self, begin: int, end: int) -> bool:
        """Whether this part, of which nothing stands apart, is a card or has one within."""
        if end - begin <= _MOST_DIGITS:
            # A whole number: also one of an issuer that we don't know.
            first = self._digits[begin]
            return (
                first in "23456" or _ISSUED(self._digits, begin, end) is not None
            ) and self.add_up(begin, end)
        return any(
            self.are_card(at, at + size)
            for size in (16, 15, 14)
            for at in range(begin, end - size + 1)
        )
