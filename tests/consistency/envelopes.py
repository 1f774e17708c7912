"""Every kind of transaction that a change is made in; some of them are rolled back."""

import random
from collections.abc import Callable

from django.db import connection, transaction

from tests.consistency.databases import POSTGRESQL
from tests.consistency.hold import Change, Hold

Look = Callable[[], None]
Envelope = Callable[[Hold, list[Change], Look, Look], None]
ENVELOPES: dict[str, Envelope] = {}


class Rollback(Exception):  # noqa: N818 - wanted
    pass


def envelope(function: Envelope) -> Envelope:
    """One kind of transaction.

    It gets what the writer holds, two changes, what looks at the writer's own words before they are
    committed, and what looks at them afterwards. It makes one of the changes, or both.
    """
    ENVELOPES[function.__name__] = function
    return function


def doom(hold: Hold, change: Change) -> None:
    """Make a change that is going to be rolled back."""
    hold.doomed = True
    try:
        change(hold)
    finally:
        hold.doomed = False


@envelope
def autocommit(hold: Hold, changes: list[Change], within: Look, after: Look) -> None:
    hold.by_statement = True
    changes[0](hold)
    hold.committed()


@envelope
def atomic(hold: Hold, changes: list[Change], within: Look, after: Look) -> None:
    with transaction.atomic():
        changes[0](hold)
        within()


@envelope
def durable(hold: Hold, changes: list[Change], within: Look, after: Look) -> None:
    with transaction.atomic(durable=True):
        changes[0](hold)


@envelope
def both(hold: Hold, changes: list[Change], within: Look, after: Look) -> None:
    with transaction.atomic():
        changes[0](hold)
        with transaction.atomic():
            changes[1](hold)
        within()


@envelope
def on_commit(hold: Hold, changes: list[Change], within: Look, after: Look) -> None:
    with transaction.atomic():
        transaction.on_commit(after)
        changes[0](hold)


@envelope
def by_hand(hold: Hold, changes: list[Change], within: Look, after: Look) -> None:
    transaction.set_autocommit(False)
    try:
        changes[0](hold)
        transaction.commit()
        after()
        transaction.commit()
    except BaseException:
        transaction.rollback()
        raise
    finally:
        transaction.set_autocommit(True)


@envelope
def rolled_back(hold: Hold, changes: list[Change], within: Look, after: Look) -> None:
    try:
        with transaction.atomic():
            doom(hold, changes[0])
            within()
            raise Rollback
    except Rollback:
        hold.undo({})


@envelope
def set_rollback(hold: Hold, changes: list[Change], within: Look, after: Look) -> None:
    with transaction.atomic():
        doom(hold, changes[0])
        transaction.set_rollback(True)
        hold.undo({})


@envelope
def rolled_back_by_hand(hold: Hold, changes: list[Change], within: Look, after: Look) -> None:
    transaction.set_autocommit(False)
    try:
        doom(hold, changes[0])
        within()
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
        hold.undo({})


@envelope
def inner_rolled_back(hold: Hold, changes: list[Change], within: Look, after: Look) -> None:
    """The first change stays, the second one goes with its savepoint."""
    with transaction.atomic():
        changes[0](hold)
        kept = dict(hold.written)
        try:
            with transaction.atomic():
                doom(hold, changes[1])
                within()
                raise Rollback
        except Rollback:
            hold.undo(kept)
        within()


@envelope
def inner_rolled_back_first(hold: Hold, changes: list[Change], within: Look, after: Look) -> None:
    with transaction.atomic():
        savepoint = transaction.savepoint()
        doom(hold, changes[1])
        transaction.savepoint_rollback(savepoint)
        hold.undo({})
        changes[0](hold)
        within()


@envelope
def savepoint_by_sql(hold: Hold, changes: list[Change], within: Look, after: Look) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        changes[0](hold)
        kept = dict(hold.written)
        cursor.execute("SAVEPOINT by_sql")
        doom(hold, changes[1])
        cursor.execute("ROLLBACK TO SAVEPOINT by_sql")
        hold.undo(kept)


def envelopes_on(database: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those that hold what they say there.

    With autocommit turned off, some statements commit by themselves on SQLite, and no rollback
    takes them back.
    """
    return tuple(name for name in names if database == POSTGRESQL or name != "rolled_back_by_hand")


COMMITTING = ("autocommit", "atomic", "durable", "both", "on_commit", "by_hand")


def some_envelope(choice: random.Random, names: tuple[str, ...]) -> str:
    """One of these; three times out of four one that commits."""
    committing = [name for name in names if name in COMMITTING]
    others = [name for name in names if name not in COMMITTING]
    return choice.choice(
        committing if committing and (not others or choice.random() < 0.75) else others
    )
