"""Comments that tell the doctor to leave something out: `# holdfast: ignore[S2] a registry`.

Such a comment counts for the statement that it stands on (of a function, a class or a block: for
its head), or, where it stands alone, for the next one. It has to say why.
"""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from io import StringIO

from .codes import covers
from .findings import Finding
from .rules import Rule
from .sources import Source

_COMMENT = re.compile(
    r"#\s*holdfast:\s*ignore\b(?:\s*\[(?P<codes>[^\]\n]*)\])?[ \t:,-]*(?P<reason>.*?)\s*$"
)
_ANY = re.compile(r"#\s*holdfast:\s*ignore\b")


@dataclass(frozen=True, slots=True)
class Comment:
    """One of them.

    Attributes:
        line: where it stands.
        codes: classes and codes that it names.
        reason: why, in its author's words.
        first: the first line that it counts for.
        last: the last one.
        text: as it is written.
    """

    line: int
    codes: tuple[str, ...]
    reason: str
    first: int
    last: int
    text: str

    def ignores(self, finding: Finding) -> bool:
        """Whether it leaves *finding* out."""
        here = self.first <= finding.line <= self.last
        return here and any(covers(named, finding.code) for named in self.codes)


def comments_in(source: Source) -> list[Comment]:
    """All of them in one file."""
    if not _ANY.search(source.text) or source.tree is None:
        return []
    found = list(_written(source.text))
    if not found:
        return []
    simple, heads = _statements(source.tree)
    return [_placed(comment, alone, simple, heads) for comment, alone in found]


def _written(text: str) -> Iterator[tuple[Comment, bool]]:
    """Each comment, and whether nothing else stands on its line."""
    try:
        for token in tokenize.generate_tokens(StringIO(text).readline):
            if token.type != tokenize.COMMENT:
                continue
            match = _COMMENT.match(token.string)
            if match is None:
                continue
            line = token.start[0]
            codes = tuple(
                code.strip() for code in (match["codes"] or "").split(",") if code.strip()
            )
            comment = Comment(line, codes, match["reason"], line, line, token.string.strip())
            yield comment, not token.line[: token.start[1]].strip()
    except (tokenize.TokenError, SyntaxError):
        return  # Python 2's: what stands before the place that can't be read counts


def _statements(tree: ast.Module) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The lines of simple statements, and those of the heads of others."""
    simple: list[tuple[int, int]] = []
    heads: list[tuple[int, int]] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt):
            continue
        body: list[ast.stmt] = getattr(node, "body", None) or getattr(node, "cases", None) or []
        if not body:
            simple.append((node.lineno, node.end_lineno or node.lineno))
            continue
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
        within = getattr(body[0], "lineno", 0) or getattr(body[0], "pattern", node).lineno
        heads.append((first, max(node.lineno, within - 1)))
    return simple, heads


def _placed(
    comment: Comment,
    alone: bool,  # noqa: FBT001 - it comes from the text
    simple: list[tuple[int, int]],
    heads: list[tuple[int, int]],
) -> Comment:
    """The comment with the lines that it counts for."""
    line = comment.line
    around = [(first, last) for first, last in simple if first <= line <= last]
    if not around and not alone:
        around = [(first, last) for first, last in heads if first <= line <= last]
    if not around and alone:
        after = [(first, last) for first, last in (*simple, *heads) if first > line]
        around = [min(after, default=(line, line))]
    first, last = max(around, default=(line, line))
    return replace(comment, first=first, last=last)


NO_REASON = Rule(
    "D1a",
    "An ignore comment that doesn't say why",
    """Whoever reads the code next year has to know whether the finding was judged, or was in the
way. The comment works, and is told of.""",
    """
seen = {}

def count(request):
    seen[request.path] = 1  # holdfast: ignore[S2]
""",
    """
seen = {}

def count(request):
    seen[request.path] = 1  # holdfast: ignore[S2] for the debug page of this very worker
""",
    lambda _file: iter(()),
)
IGNORES_NOTHING = Rule(
    "D1b",
    "An ignore comment that ignores nothing",
    """The finding is gone, or has another code: the comment would hide the next one that comes to
this line.""",
    """
answer = 42  # holdfast: ignore[S2] a registry
""",
    """
answer = 42
""",
    lambda _file: iter(()),
)
NAMES_NOTHING = Rule(
    "D1c",
    "An ignore comment that names no code the doctor has",
    """A comment has to name what it ignores, as a code or a class in brackets: one that ignored
everything would hide what nobody has judged.""",
    """
answer = 42  # holdfast: ignore
""",
    """
answer = 42
""",
    lambda _file: iter(()),
)
#: About the comments themselves. They look at no file: `after_comments` finds them.
RULES = (NO_REASON, IGNORES_NOTHING, NAMES_NOTHING)


def after_comments(
    path: str, findings: Iterable[Finding], comments: Iterable[Comment], known: Iterable[str]
) -> tuple[list[Finding], int]:
    """What is left of one file's findings, with what is to be said of its comments.

    Args:
        path: of the file.
        findings: in it.
        comments: in it.
        known: all codes and classes.

    Returns:
        The findings, and how many the comments left out.
    """
    written = list(comments)
    found = list(findings)
    left = [one for one in found if not any(comment.ignores(one) for comment in written)]
    codes = set(known)
    told: list[Finding] = []
    for comment in written:
        unknown = [code for code in comment.codes if code not in codes]
        if unknown or not comment.codes:
            what = f"knows no {', '.join(unknown)}" if unknown else "has to be told what to ignore"
            told.append(
                _told(
                    NAMES_NOTHING,
                    path,
                    comment,
                    f"The doctor {what}.",
                    "Write the code that it reports: # holdfast: ignore[S2] and why.",
                )
            )
        unused = [
            code
            for code in comment.codes
            if code in codes
            and not any(replace(comment, codes=(code,)).ignores(one) for one in found)
        ]
        if unused:
            told.append(
                _told(
                    IGNORES_NOTHING,
                    path,
                    comment,
                    f"There is no {' and no '.join(unused)} here to be ignored.",
                    "Remove the comment." if unused == [*comment.codes] else "Remove the code.",
                )
            )
        elif comment.codes and not unknown and not comment.reason:
            told.append(
                _told(
                    NO_REASON,
                    path,
                    comment,
                    f"Nothing says why {', '.join(comment.codes)} is ignored here.",
                    "Write the reason behind the bracket.",
                )
            )
    return left + told, len(found) - len(left)


def _told(rule: Rule, path: str, comment: Comment, message: str, mend: str) -> Finding:
    return Finding(
        code=rule.code,
        path=path,
        line=comment.line,
        column=1,
        end_line=comment.line,
        symbol="",
        attribute="",
        severity="warning",
        confidence="high",
        message=message,
        mend=mend,
        text=comment.text,
    )
