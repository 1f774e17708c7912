"""What a statement does: which rows of which tables it reads, which it writes.

Names of tables and columns are casefolded and without their schema: databases differ in what they
take for the same name, and taking two tables for one costs hits only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value stands: in a placeholder, or in the text.

    Attributes:
        slot: the number of the placeholder; None: it is *literal*.
        literal: the value; None is NULL.
        is_array: whether the parameter is a list of the values.
    """

    slot: int | None = None
    literal: Any = None
    is_array: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """Only rows matter whose *column* has one of these values."""

    column: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """One table that a query reads from.

    Attributes:
        table: its name.
        match: which rows matter; None: all that *is_joined* doesn't rule out.
        row_at: where in a row of the result the primary key of this table's row stands, where all
            rows that matter are seen there; None: they aren't.
        columns: those that decide, beside *match*, whether or where a row is in the result.
        is_joined: each row was looked up by its primary key, for a foreign key of another table.
        shows_existence: that a row is in the result shows that there is one for *match*.
    """

    table: str
    match: Match | None = None
    row_at: int | None = None
    columns: frozenset[str] = frozenset()
    is_joined: bool = False
    shows_existence: bool = False


class Kind(Enum):
    """How a table is written to."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Write:
    """One table that a statement writes to.

    Attributes:
        table: its name.
        kind: how.
        matches: what is known of the rows, before the change.
        assigned: columns that are given a value, and where it stands; None: it isn't known.
    """

    table: str
    kind: Kind
    matches: tuple[Match, ...] = ()
    assigned: dict[str, tuple[Source, ...] | None] = field(default_factory=dict)


class Control(Enum):
    """What a statement does to the transaction."""

    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    SAVEPOINT = "savepoint"
    ROLLBACK_TO = "rollback to"
    RELEASE = "release"
    PREPARE = "prepare"
    ISOLATION = "isolation"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a text does.

    Attributes:
        reads: tables that it reads from.
        writes: tables that it writes to.
        writes_anything: it may have changed any table.
        refusal: why a result made with it must not be kept; None: it may be.
        control: what it does to the transaction.
        savepoint: the name in it.
        functions: functions that SQL itself doesn't have.
        commits: where a database ends the transaction before such a statement (DDL on MySQL).
        is_several: it may be several statements, or a procedure made of them.
    """

    reads: tuple[Read, ...] = ()
    writes: tuple[Write, ...] = ()
    writes_anything: bool = False
    refusal: str | None = None
    control: Control | None = None
    savepoint: str = ""
    functions: frozenset[str] = frozenset()
    commits: bool = False
    is_several: bool = False

    @property
    def is_write(self) -> bool:
        """Whether it may change what is in a table."""
        return bool(self.writes) or self.writes_anything


NOTHING = Statement()
