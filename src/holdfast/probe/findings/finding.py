"""What is said to the user: who made users wait, or what went wrong, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..change import Change

#: The kinds of findings. They are stable: programs select by them.
CODES: Mapping[str, str] = {
    "worker": "requests waited for a worker or thread of the server: all were taken",
    "thread": "requests waited for a thread",
    "middleware": "a middleware made requests wait for each other, or took the time itself",
    "thread-sensitive": "sync code of all requests ran in one thread (sync_to_async)",
    "lock": "requests waited for a lock or semaphore that another one held",
    "pool": "requests waited for a connection of a pool, or for an item of a queue",
    "executor": "requests waited for a thread of an executor: it has too few",
    "blocked-loop": "a function blocked the event loop: nobody else was served meanwhile",
    "blocked-hub": "a function blocked the hub of gevent or eventlet",
    "gil": "one process computed for all requests, on one processor core",
    "collector": "the garbage collector stopped the requests",
    "database": "requests waited in the database, longer the more of them there were",
    "waiting": "requests stood longer at one place than alone; nobody knows what they waited for",
    "refused": "requests were refused, or failed, when many came at once",
    "crossed": "a user got to see what is another user's",
    "kept": "objects of finished requests are still reached",
    "growing": "threads or connections grow with the requests served",
}


@dataclass(frozen=True, slots=True)
class Proof:
    """A run with one thing made different, beside the run as it was.

    Attributes:
        changed: in words: `without shared.middleware.ApiLogger`, `with 10 threads`.
        change: what was made different; it holds what earlier proofs had changed, too.
        before: seconds that the users took without this change.
        after: seconds that they took with it, for as many requests.
        run: the name of the changed run, as in `Run.name`.
        holds: the change saved enough, and the answers were the same.
        why_not: in words, where it does not hold.
    """

    changed: str
    change: Change
    before: float
    after: float
    run: str
    holds: bool
    why_not: str = ""

    @property
    def saved(self) -> float:
        """The share of the time that the change saved, 0 to 1."""
        return max(0.0, 1.0 - self.after / self.before) if self.before > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found.

    Attributes:
        code: one of `CODES`.
        culprit: its name: a dotted name of the user's code, a lock, a pool, a server's setting.
        place: `path:line` where the user's own code has it; empty: nowhere in it.
        sentence: what happened, with both times where it was proved by running again.
        mend: what to change.
        proved: True: proved by a rerun, or seen outright. False: suspected, and the rerun did not
            bear it out, or none was made.
        proof: the rerun; None where none is needed, or none was made.
        numbers: what the sentence says, for programs: seconds, counts and shares by name.
        evidence: further lines: who held what, stacks, pairs of requests.
    """

    code: str
    culprit: str
    sentence: str
    mend: str
    place: str = ""
    proved: bool = True
    proof: Proof | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
