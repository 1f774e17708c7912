"""Texts that a regular expression matches."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

#: For a class of characters, the first of these that it has.
_CHARACTERS = "1a0bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ23456789-_./ :@,"


def sample(pattern: str) -> str | None:
    """A text that the regular expression matches from its beginning; None: none was found."""
    try:
        text = "".join(_texts(parser.parse(pattern), {}))
        return text if re.match(pattern, text) else None
    except (re.error, _Hard, RecursionError):
        return None


class _Hard(Exception):  # noqa: N818 - no error, but the end of our skill
    """A part of a regular expression for which no text is known."""


def _texts(parts: Any, groups: dict[int, str]) -> list[str]:
    return [_ACTS[name](value, groups) if name in _ACTS else _hard() for name, value in parts]


def _hard() -> str:
    raise _Hard


def _one_of(items: Sequence[Any], _groups: dict[int, str]) -> str:
    accepts = re.compile(_class(items))
    for one in _CHARACTERS:
        if accepts.match(one):
            return one
    raise _Hard


def _class(items: Sequence[Any]) -> str:
    """The class of characters, written again."""
    words = []
    for name, value in items:
        if name is constants.NEGATE:
            words.append("^")
        elif name is constants.LITERAL:
            words.append(re.escape(chr(value)))
        elif name is constants.RANGE:
            words.append(f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}")
        elif name is constants.CATEGORY:
            words.append(_CATEGORIES[value])
        else:
            raise _Hard
    return f"[{''.join(words)}]"


_CATEGORIES = {
    constants.CATEGORY_DIGIT: r"\d",
    constants.CATEGORY_NOT_DIGIT: r"\D",
    constants.CATEGORY_SPACE: r"\s",
    constants.CATEGORY_NOT_SPACE: r"\S",
    constants.CATEGORY_WORD: r"\w",
    constants.CATEGORY_NOT_WORD: r"\W",
}


def _repeated(value: tuple[int, int, Any], groups: dict[int, str]) -> str:
    least, most, inner = value
    one = "".join(_texts(inner, groups))
    # Something, where it may be nothing, so that a parameter has a value.
    count = max(least, min(1, int(most))) if one not in {"/", "."} else least
    return one * count


def _group(value: tuple[int | None, int, int, Any], groups: dict[int, str]) -> str:
    number, _, _, inner = value
    text = "".join(_texts(inner, groups))
    if number is not None:
        groups[number] = text
    return text


def _branch(value: tuple[Any, Sequence[Any]], groups: dict[int, str]) -> str:
    return "".join(_texts(value[1][0], groups))


def _literal(value: int, _groups: dict[int, str]) -> str:
    return chr(value)


def _other_than(value: int, _groups: dict[int, str]) -> str:
    return next(one for one in _CHARACTERS if ord(one) != value)


def _any(_value: Any, _groups: dict[int, str]) -> str:
    return "a"


def _nothing(_value: Any, _groups: dict[int, str]) -> str:
    return ""


def _again(value: int, groups: dict[int, str]) -> str:
    return groups.get(value, "")


_ACTS: dict[Any, Callable[[Any, dict[int, str]], str]] = {
    constants.LITERAL: _literal,
    constants.NOT_LITERAL: _other_than,
    constants.ANY: _any,
    constants.IN: _one_of,
    constants.AT: _nothing,
    constants.ASSERT_NOT: _nothing,
    constants.ASSERT: _nothing,
    constants.MAX_REPEAT: _repeated,
    constants.MIN_REPEAT: _repeated,
    constants.POSSESSIVE_REPEAT: _repeated,
    constants.SUBPATTERN: _group,
    constants.BRANCH: _branch,
    constants.GROUPREF: _again,
}
