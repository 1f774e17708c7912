"""What is known of each text that was executed: found once, kept for as many as there is room."""

from __future__ import annotations

import re
from typing import Any

from .catalogue import Catalogue
from .parsing import analysed
from .statements import Statement
from .texts import Place, normalised

#: So many texts are kept, of each database.
MOST = 4096

_CALLS = re.compile(r"(\w+)[\"`]?\s*\(")
_INTO = re.compile(r"\binto\b|;", re.IGNORECASE)
#: What stands before a parenthesis in queries that write nothing for certain.
_COMMON = frozenset(
    [
        "abs",
        "all",
        "and",
        "any",
        "as",
        "avg",
        "between",
        "by",
        "case",
        "cast",
        "ceil",
        "ceiling",
        "char_length",
        "coalesce",
        "concat",
        "concat_ws",
        "count",
        "date",
        "datetime",
        "div",
        "else",
        "exists",
        "extract",
        "floor",
        "from",
        "greatest",
        "group_concat",
        "having",
        "hour",
        "if",
        "ifnull",
        "in",
        "instr",
        "is",
        "join",
        "json_extract",
        "last",
        "least",
        "left",
        "length",
        "like",
        "limit",
        "ln",
        "log",
        "lower",
        "lpad",
        "ltrim",
        "max",
        "min",
        "minute",
        "mod",
        "month",
        "not",
        "now",
        "nullif",
        "on",
        "or",
        "over",
        "partition",
        "position",
        "power",
        "replace",
        "right",
        "round",
        "row_number",
        "rpad",
        "rtrim",
        "second",
        "select",
        "sign",
        "sqrt",
        "stddev_pop",
        "strftime",
        "string_agg",
        "substr",
        "substring",
        "sum",
        "then",
        "total",
        "trim",
        "upper",
        "using",
        "values",
        "var_pop",
        "varchar",
        "when",
        "where",
        "with",
        "year",
        "numeric",
        "decimal",
        "array_agg",
        "json_agg",
        "jsonb_agg",
        "date_trunc",
        "lag",
        "lead",
        "rank",
        "dense_rank",
        "first_value",
        "last_value",
        "nth_value",
        "ntile",
    ]
)


class Texts:
    """The texts that were executed on one database.

    Args:
        catalogue: its tables.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        #: Those that write nothing. What they read is found out when somebody asks.
        self.plain: dict[str, None] = {}
        self._known: dict[tuple[str, bool], tuple[Statement, tuple[Place, ...], str]] = {}
        self._statements: dict[str, Statement] = {}

    def is_plain(self, sql: str) -> bool:
        """Whether *sql* is a query that writes nothing, as far as a glance can tell."""
        if not sql.startswith("SELECT "):
            return False
        if _INTO.search(sql) or any(
            name.lower() not in _COMMON and not name.startswith("django_")
            for name in _CALLS.findall(sql)
        ):
            return False
        _remember(self.plain, sql, None)
        return True

    def known(self, sql: str, parameters: Any) -> tuple[Statement, tuple[Place, ...], str]:
        """What *sql* does, the places of its placeholders, and the text with lists made short."""
        key = (sql, parameters is not None)
        found = self._known.get(key)
        if found is None:
            text = normalised(sql, has_parameters=parameters is not None)
            statement = self._statements.get(text.sql)
            if statement is None:
                statement = analysed(text.sql, self.catalogue)
                _remember(self._statements, text.sql, statement)
            found = statement, text.places, text.sql
            _remember(self._known, key, found)
        return found


def _remember(memory: dict[Any, Any], key: Any, value: Any) -> None:
    if len(memory) >= MOST:
        # The older half goes. Threads may do so at once; that empties it faster, and no more.
        for old in list(memory)[: MOST // 2]:
            memory.pop(old, None)
    memory[key] = value


_all: dict[int, Texts] = {}


def texts_of(catalogue: Catalogue) -> Texts:
    """The texts for the database of *catalogue*."""
    found = _all.get(id(catalogue))
    if found is None or found.catalogue is not catalogue:
        found = _all[id(catalogue)] = Texts(catalogue)
    return found
