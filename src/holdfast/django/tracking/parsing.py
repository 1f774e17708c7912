"""What a SQL text does: from its first word where that tells, else by sqlglot.

What is not understood is never taken for harmless: a query that can't be parsed makes its result
one that must not be kept, a statement that can't be parsed may have changed anything.
"""

from __future__ import annotations

import re

from .catalogue import Catalogue
from .statements import NOTHING, Control, Kind, Statement, Write
from .texts import LONGEST

_COMMENTS = re.compile(r"(?:\s+|(?:--|#)[^\n]*(?:\n|$)|/\*.*?\*/|[(;])+", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]+")
_NAME = r'((?:(?:"[^"]+"|`[^`]+`|\[[^\]]+\]|\w+)\.)*(?:"[^"]+"|`[^`]+`|\[[^\]]+\]|\w+))'
_TARGET = re.compile(
    r"(?:(INSERT|REPLACE)(?:\s+(?:OR\s+\w+|IGNORE|LOW_PRIORITY|DELAYED|HIGH_PRIORITY))*(?:\s+INTO)?"
    r"|(UPDATE)(?:\s+(?:ONLY|OR\s+\w+|IGNORE))*|(DELETE)\s+FROM(?:\s+ONLY)?|COPY)\s+" + _NAME,
    re.IGNORECASE,
)
_REFRESH = re.compile(
    r"REFRESH\s+MATERIALIZED\s+VIEW\s+(?:CONCURRENTLY\s+)?" + _NAME, re.IGNORECASE
)
_SAVEPOINT = re.compile(r'(?:SAVEPOINT\s+)?("[^"]+"|`[^`]+`|\w+)\s*;?\s*$', re.IGNORECASE)

#: They change no rows, and what they show is no table's.
_HARMLESS = frozenset(
    [
        "ANALYZE",
        "CHECKPOINT",
        "CLOSE",
        "COMMENT",
        "DEALLOCATE",
        "DESCRIBE",
        "DESC",
        "DETACH",
        "DISCARD",
        "FLUSH",
        "GRANT",
        "HELP",
        "KILL",
        "LISTEN",
        "LOCK",
        "MOVE",
        "NOTIFY",
        "OPTIMIZE",
        "PRAGMA",
        "REINDEX",
        "RESET",
        "REVOKE",
        "SET",
        "SHOW",
        "UNLISTEN",
        "UNLOCK",
        "USE",
        "VACUUM",
    ]
)
_PARSED = frozenset(
    [
        "SELECT",
        "WITH",
        "VALUES",
        "TABLE",
        "INSERT",
        "UPDATE",
        "DELETE",
        "MERGE",
        "REPLACE",
        "TRUNCATE",
    ]
)
#: CREATE and DROP of these change no rows, and no names of what rows are in.
_ROWLESS = re.compile(
    r"(?:CREATE|DROP|ALTER)\s+(?:OR\s+REPLACE\s+)?(?:UNIQUE\s+|FULLTEXT\s+|SPATIAL\s+)?"
    r"(?:INDEX|SEQUENCE|ROLE|USER|DATABASE|STATISTICS|TEMP(?:ORARY)?\s+(?:TABLE|VIEW|SEQUENCE))\b",
    re.IGNORECASE,
)
_DATA_DEFINITION = frozenset(["CREATE", "ALTER", "DROP", "RENAME"])
#: What is behind PREPARE where it is the first half of a COMMIT.
_TWO = ["TRANSACTION"]
_NAMED = {
    "PREPARE": Control.PREPARE,
    "RELEASE": Control.RELEASE,
    "ROLLBACK": Control.ROLLBACK_TO,
    "SAVEPOINT": Control.SAVEPOINT,
}
_CURSORS = frozenset({"DECLARE", "FETCH"})
_FURTHER_CONTROLS = frozenset({"ROLLBACK", "SAVEPOINT", "RELEASE", "PREPARE"})
_CONTROLS = {
    "BEGIN": Control.BEGIN,
    "START": Control.BEGIN,
    "COMMIT": Control.COMMIT,
    "END": Control.COMMIT,
    "ABORT": Control.ROLLBACK,
}


def analysed(sql: str, catalogue: Catalogue) -> Statement:
    """What *sql* does.

    Args:
        sql: with placeholders as `texts.normalised` makes them.
        catalogue: of the database that it is for.
    """
    begin = _COMMENTS.match(sql)
    body = sql[begin.end() :] if begin else sql
    word = _WORD.match(body)
    if word is None:
        return NOTHING if not body.strip(" ;)") else Statement(writes_anything=True)
    first = word[0].upper()
    if first in _PARSED:
        return _parsed(sql, body, first, catalogue)
    if ";" in body.rstrip("; \t\r\n") and first not in _DATA_DEFINITION:
        return Statement(writes_anything=True, refusal="several statements in one", is_several=True)
    if first in _CONTROLS or first in _FURTHER_CONTROLS:
        return _control(first, body)
    if first in _DATA_DEFINITION:
        # A new table is nobody's yet, but a new view, or a new column, may be anybody's.
        is_rowless = _ROWLESS.match(body) is not None
        return Statement(writes_anything=not is_rowless, commits=catalogue.vendor == "mysql")
    return _rare(first, body, catalogue)


def _rare(first: str, body: str, catalogue: Catalogue) -> Statement:
    if first in _HARMLESS:
        is_isolation = first == "SET" and "ISOLATION" in body.upper()
        return Statement(control=Control.ISOLATION) if is_isolation else NOTHING
    if first in _CURSORS:
        return Statement(refusal="it reads by a cursor that is declared in SQL")
    if first == "EXPLAIN":
        return _explained(body, catalogue)
    if first == "COPY":
        return _copied(body, catalogue)
    if first == "REFRESH" and (found := _REFRESH.match(body)):
        return Statement(writes=(Write(bare(found[1]), Kind.ANY),))
    return Statement(writes_anything=True, is_several=True)


def bare(name: str) -> str:
    """A table's name, as it is compared: without schema and quotation marks."""
    return re.split(r"[\"`\]]?\.[\"`\[]?", name)[-1].strip('"`[]').casefold()


def _parsed(sql: str, body: str, first: str, catalogue: Catalogue) -> Statement:
    if first == "REPLACE" or len(sql) > LONGEST:
        return _by_target(body, first, catalogue)
    # Imported when the first statement is analysed: it takes a tenth of a second.
    from .trees import TooHard, statement_of

    try:
        return statement_of(sql, catalogue)
    except TooHard:
        return _by_target(body, first, catalogue)


def _by_target(body: str, first: str, catalogue: Catalogue) -> Statement:
    """What can be told of a statement that isn't understood, from the table behind its verb."""
    found = _TARGET.match(body)
    # On MySQL, an UPDATE or DELETE may name further tables.
    may_name_more = catalogue.vendor == "mysql" and first in ("UPDATE", "DELETE")
    may_be_several = ";" in body.rstrip("; \t\r\n")
    if found and not may_name_more and not may_be_several:
        kind = Kind.DELETE if found[3] else Kind.ANY
        return Statement(writes=(Write(bare(found[4]), kind),))
    if first in ("SELECT", "VALUES", "TABLE"):
        return Statement(refusal="a query that was not understood")
    return Statement(
        writes_anything=True, refusal="a statement that was not understood", is_several=True
    )


def _control(first: str, body: str) -> Statement:
    upper = " ".join(body.upper().rstrip("; \n").split())
    if upper.startswith("COMMIT PREPARED") or (first == "PREPARE" and upper.split()[1:2] != _TWO):
        return Statement(writes_anything=True)  # by whom, and what, isn't known here
    if upper.startswith("ROLLBACK PREPARED"):
        return NOTHING
    control = _CONTROLS.get(first)
    if control is Control.BEGIN and "ISOLATION" in upper:
        return Statement(control=Control.ISOLATION, savepoint="begin")
    if control is not None:
        return Statement(control=control)
    if first == "ROLLBACK" and not re.match(r"ROLLBACK(?: WORK| TRANSACTION)? TO\b", upper):
        return Statement(control=Control.ROLLBACK)
    name = _SAVEPOINT.search(body)
    named = name[1].strip('"`').casefold() if name else ""
    return Statement(control=_NAMED[first], savepoint=named)


def _explained(body: str, catalogue: Catalogue) -> Statement:
    # EXPLAIN ANALYZE does what it explains.
    found = re.match(
        r"EXPLAIN\s*(?:\(.*?\))?\s*((?:ANALYZE|VERBOSE|QUERY\s+PLAN)\s+)*", body, re.IGNORECASE
    )
    if found is None or "ANALY" not in found[0].upper():
        return Statement(refusal="the plan of a query, and not what is in a table")
    inner = analysed(body[found.end() :], catalogue)
    return Statement(
        writes=inner.writes, writes_anything=inner.writes_anything, refusal="the plan of a query"
    )


def _copied(body: str, catalogue: Catalogue) -> Statement:
    if re.search(r"\bTO\b", body, re.IGNORECASE) and not re.search(
        r"\bFROM\s+STDIN\b", body, re.IGNORECASE
    ):
        return Statement(refusal="reads by COPY")
    return _by_target(body, "COPY", catalogue)
