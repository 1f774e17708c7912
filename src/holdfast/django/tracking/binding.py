"""A statement and its parameters: the values that tell rows, and how many of them are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .catalogue import Catalogue, Table
from .names import Names
from .statements import Match, Source
from .texts import Parameters, Place

#: So many rows are told one by one. Where there are more, a tag for many takes their place.
MOST_ROWS = 100
#: So many of one statement are told when they are written.
MOST_WRITTEN = 500


class Unknown(Exception):  # noqa: N818 - no mistake
    """The values can't be told."""


#: What it comes to when a parameter isn't what its column holds.
NOT_TOLD = (Unknown, ValueError, TypeError, LookupError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Binding:
    """What a statement is executed with.

    Attributes:
        places: of its placeholders.
        parameters: of this execution.
        catalogue: the tables of the database.
        names: of its tags.
    """

    places: Sequence[Place]
    parameters: Parameters
    catalogue: Catalogue
    names: Names

    def values(self, match: Match, table: Table) -> set[str | None]:
        """The values that *match* names, as text; None stands for NULL.

        Raises:
            one of `NOT_TOLD`.
        """
        canonical = table.tracked[match.column]
        return {
            None if value is None else canonical(value)
            for source in match.sources
            for value in self.raw(source)
        }

    def raw(self, source: Source) -> list[object]:
        """What stands at *source*."""
        if source.slot is None:
            return [source.literal]
        values = self.places[source.slot].values(self.parameters)
        if not source.is_array:
            return values
        found: list[object] = []
        for value in values:
            if not isinstance(value, list | tuple):
                raise Unknown
            found += value
        return found
