"""What a statement does, from its syntax tree."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from .catalogue import Catalogue
from .changes import writes_of
from .queries import reads_of
from .statements import Statement, Write

_DIALECTS = {"postgresql": "postgres", "sqlite": "sqlite", "mysql": "mysql", "oracle": "oracle"}

#: Functions that sqlglot has no class for, and that look at nothing but their arguments: those that
#: Django makes on SQLite, and some of the databases' own.
_PURE = frozenset(
    [
        "acosd",
        "age",
        "asind",
        "atand",
        "cardinality",
        "cbrt",
        "clock_timestamp",
        "concat_op",
        "current_setting",
        "format",
        "gen_random_uuid",
        "get_lock",
        "isfinite",
        "json",
        "json_object",
        "json_quote",
        "json_type",
        "json_valid",
        "jsonb",
        "jsonb_array_length",
        "jsonb_typeof",
        "jsonb_strip_nulls",
        "json_strip_nulls",
        "row_to_json",
        "likelihood",
        "likely",
        "unlikely",
        "make_date",
        "make_time",
        "make_timestamp",
        "make_interval",
        "num_nonnulls",
        "num_nulls",
        "numnode",
        "phraseto_tsquery",
        "plainto_tsquery",
        "pg_advisory_lock",
        "pg_advisory_unlock",
        "pg_advisory_xact_lock",
        "pg_try_advisory_lock",
        "pg_try_advisory_xact_lock",
        "pg_backend_pid",
        "pg_notify",
        "pg_sleep",
        "pg_typeof",
        "querytree",
        "quote_ident",
        "quote_literal",
        "quote_nullable",
        "random",
        "regexp",
        "release_lock",
        "row",
        "setseed",
        "setweight",
        "similarity",
        "sqlite_version",
        "statement_timestamp",
        "strip",
        "strict_word_similarity",
        "timeofday",
        "timezone",
        "to_tsquery",
        "to_tsvector",
        "transaction_timestamp",
        "ts_headline",
        "ts_rank",
        "ts_rank_cd",
        "tsvector_to_array",
        "txid_current",
        "typeof",
        "unaccent",
        "unixepoch",
        "upper",
        "version",
        "websearch_to_tsquery",
        "width_bucket",
        "word_similarity",
        "zeroblob",
        "last_insert_rowid",
        "changes",
        "total_changes",
        "lastval",
        "currval",
        "set_config",
        "sha224",
        "sha256",
        "sha384",
        "sha512",
        "scale",
        "trim_scale",
        "factorial",
        "gcd",
        "lcm",
        "bit_count",
        "get_bit",
        "set_bit",
        "overlay",
        "to_hex",
        "to_regclass",
        "xpath",
    ]
)
_PURE_PREFIXES = ("django_", "st_", "array_", "regexp_", "range_", "jsonb_path_", "json_array")


class TooHard(Exception):  # noqa: N818 - what the text is for this reader, no fault of anybody
    """The parser can't make a tree of the text."""


def statement_of(sql: str, catalogue: Catalogue) -> Statement:
    """What *sql* does.

    Raises:
        TooHard: it can't be parsed.
    """
    try:
        trees = sqlglot.parse(sql, read=_DIALECTS.get(catalogue.vendor))
    except (SqlglotError, RecursionError) as error:
        raise TooHard from error
    if not trees:
        raise TooHard
    if len(trees) > 1 and any(tree is not None for tree in trees[1:]):
        several = [
            statement for tree in trees if tree for statement in [_statement(tree, catalogue)]
        ]
        return Statement(
            writes=tuple(write for statement in several for write in statement.writes),
            writes_anything=any(statement.writes_anything for statement in several),
            refusal="several statements in one",
            functions=frozenset().union(*(statement.functions for statement in several)),
            is_several=True,
        )
    if trees[0] is None:
        raise TooHard
    return _statement(trees[0], catalogue)


def _statement(tree: exp.Expr, catalogue: Catalogue) -> Statement:
    if isinstance(tree, exp.Query):
        writes: tuple[Write, ...] = ()
        is_anything = False
        if tree.find(exp.DML, exp.Merge) is not None or tree.find(exp.Into) is not None:
            writes, is_anything = writes_of(tree, catalogue)
        reads, refusal = reads_of(tree, catalogue)
        return Statement(
            reads=reads,
            writes=writes,
            writes_anything=is_anything,
            refusal=refusal,
            functions=_functions(tree),
        )
    if isinstance(tree, exp.DML | exp.Merge | exp.TruncateTable):
        writes, is_anything = writes_of(tree, catalogue)
        return Statement(
            writes=writes,
            writes_anything=is_anything,
            functions=_functions(tree),
            commits=isinstance(tree, exp.TruncateTable) and catalogue.vendor == "mysql",
        )
    raise TooHard


def _functions(tree: exp.Expr) -> frozenset[str]:
    names = (
        str(found.this).casefold() for found in tree.find_all(exp.Anonymous, exp.AnonymousAggFunc)
    )
    return frozenset(
        name for name in names if name not in _PURE and not name.startswith(_PURE_PREFIXES)
    )
