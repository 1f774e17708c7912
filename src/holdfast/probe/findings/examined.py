"""Looks at a run: how good it was, what users waited for, and whom to suspect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..run import Run
from .blame import Blamed, blamed
from .causes import Spent, spent_by
from .finding import Finding
from .ideal import Ideal, ideal_of
from .stories import (
    blocked,
    collector,
    crossed,
    databases,
    executors,
    gil,
    growing,
    kept,
    locks,
    middleware,
    pools,
    refused,
    sensitive,
    waiting,
    worker,
)
from .suspects import Evidence, Suspect

_STORIES: tuple[Callable[[Evidence], Iterable[Suspect]], ...] = (
    # Of two that are charged with the same, the one that says more comes first.
    locks.suspects,
    pools.suspects,
    executors.suspects,
    sensitive.suspects,
    blocked.suspects,
    databases.suspects,
    collector.suspects,
    gil.suspects,
    middleware.suspects,
    worker.suspects,
    waiting.suspects,
)
_OUTRIGHT: tuple[Callable[[Run], Iterable[Finding]], ...] = (
    crossed.findings,
    refused.findings,
    growing.findings,
    kept.findings,
)
#: Who is charged with less than this share of all the waiting is no suspect.
LEAST_SHARE = 0.1
#: Seconds. Users who are served within it have waited for nobody.
LEAST_WALL = 0.1


@dataclass(frozen=True, slots=True)
class Examined:
    """What one run tells.

    Attributes:
        ideal: the time it took, and the time that it could have taken.
        spent: by request (`events.HEADER`), what its time went to; of those alone, too.
        causes: what the users' requests waited for, the costliest first.
        suspects: who may be to blame, the likeliest first. Where the ideal was reached, only
            who takes the time of requests that are alone, too.
        seen: findings that need no proof.
    """

    run: Run
    ideal: Ideal
    spent: Mapping[str, Spent]
    causes: Sequence[Blamed]
    suspects: Sequence[Suspect]
    seen: Sequence[Finding]

    @property
    def slow(self) -> bool:
        """Users waited for each other."""
        return not self.ideal.reached


def examine(run: Run, *, cores: int | None = None) -> Examined:
    """Say where the time of *run* went, and whom to suspect. Computes only; starts nothing.

    Args:
        run: a run whose users have been served.
        cores: that the server may use; default: those that this process may use.
    """
    ideal = ideal_of(run, cores)
    spent = spent_by(run)
    causes = blamed(run, spent)
    suspects = _suspects(Evidence(run, ideal, spent, causes))
    seen = [finding for findings in _OUTRIGHT for finding in findings(run)]
    return Examined(run, ideal, spent, causes, suspects, seen)


def _suspects(evidence: Evidence) -> Sequence[Suspect]:
    if evidence.ideal.wall < LEAST_WALL or not evidence.run.served:
        return ()  # Nobody waited; or the observers saw nothing, and whatever we said were made up.
    stories = (collector.suspects,) if evidence.ideal.reached else _STORIES
    found = [suspect for story in stories for suspect in story(evidence)]
    alone = evidence.ideal.alone
    whole = sum(max(0.0, one.seconds - alone[one.path]) for one in evidence.run.together)
    found = [suspect for suspect in found if suspect.charged >= LEAST_SHARE * whole]
    return sorted(found, key=lambda suspect: -suspect.charged)
