"""What the users are to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

#: Methods that change nothing on the server.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class PlanError(ValueError):
    """The plan can't be carried out. The message says what to change."""


class SiteFailedError(PlanError):
    """The site itself fails: what the server printed says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """A request that users make.

    Attributes:
        path: with its query. `{marker}` in it is a marker of the user's own, `{name}` the name of
            the user's account.
        weight: how often it is made, compared with others.
        body: sent as it is, but for `{marker}` and `{name}`.
        named: what it is called in lists, where that isn't its path: `/orders/<int:pk>/`.
    """

    path: str
    method: str = "GET"
    weight: int = 1
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    body: str = ""
    named: str = ""

    @property
    def is_safe(self) -> bool:
        """Whether it changes nothing, as far as its method says."""
        return self.method in SAFE

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Account:
    """With what a user logs in."""

    name: str
    password: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """How users log in.

    Attributes:
        path: of the page with the form, or of what gives tokens.
        by: `form`: a form, as people fill it in; `token`: name and password are posted as JSON,
            and the answer has a token.
        header: where the token is then sent; `{token}` in it.
    """

    path: str
    by: str = "form"
    header: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the users are to do.

    Attributes:
        steps: the requests; `sources` may add some.
        users: how many at once.
        requests: of each user; 0: each makes as many as there are steps.
        seconds: after so long users begin no other request.
        timeout: seconds that a user waits for an answer.
        think: seconds that a user waits between two requests: from, to.
        url: where to ask, and what is sent as Host; empty: where the server listens.
        headers: of each request; `{name}` and `{password}` in them are those of the account.
        accounts: users take turns with them.
        login: None: the accounts are for headers only, or nobody logs in.
        openapi: a file, or a path of the site, that describes its paths.
        urlconf: take the paths of Django's URLconf.
        unsafe: take also paths that change something from `openapi` and `urlconf`.
        expect: statuses that are right for this site, beside those from 200 to 299.
        canaries: what carries markers: of `markers.LETTERS`.
        up_within: seconds that the server has for answering its first request.
    """

    steps: Sequence[Step] = ()
    users: int = 10
    requests: int = 0
    seconds: float = 60.0
    timeout: float = 30.0
    think: tuple[float, float] = (0.0, 0.0)
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    accounts: Sequence[Account] = ()
    login: Login | None = None
    openapi: str = ""
    urlconf: bool = False
    unsafe: bool = False
    expect: frozenset[int] = frozenset()
    canaries: frozenset[str] = frozenset({"query", "header", "cookie", "body", "login"})
    up_within: float = 30.0

    def account(self, user: int) -> Account | None:
        """Whose account a user has; -1, who asks alone, has the first."""
        return self.accounts[max(user, 0) % len(self.accounts)] if self.accounts else None

    def rounds(self) -> int:
        """How many requests each user makes."""
        return self.requests or max(1, len(self.steps))

    def steps_of(self, user: int) -> Sequence[Step]:
        """What a user asks, in order. All users together keep to the weights, at each moment."""
        order = in_turn(self.steps)
        start = user % len(order)
        rounds = self.rounds()
        turned = order[start:] + order[:start]
        return [turned[number % len(turned)] for number in range(rounds)]

    def is_right(self, status: int) -> bool:
        """Whether an answer of this status is as it should be."""
        return 200 <= status < 300 or status in self.expect  # noqa: PLR2004


def in_turn(steps: Sequence[Step]) -> list[Step]:
    """The steps, each as often as its weight says, spread evenly."""
    total = sum(step.weight for step in steps)
    credit = [0] * len(steps)
    chosen = []
    for _ in range(total):
        credit = [had + step.weight for had, step in zip(credit, steps, strict=True)]
        best = credit.index(max(credit))
        credit[best] -= total
        chosen.append(steps[best])
    return chosen


def path_given(text: str) -> Step:
    """A step as it is typed: `/x/`, `POST /x/`, `3 GET /x/`: weight, method, path.

    Raises:
        PlanError: it isn't so.
    """
    words = text.split()
    weight = 1
    if len(words) > 1 and words[0].isdecimal():
        weight = int(words.pop(0))
    method = words.pop(0).upper() if len(words) > 1 else "GET"
    path = words[0] if words else ""
    if len(words) != 1 or not path.startswith("/") or not method.isalpha() or not weight:
        raise PlanError(
            f"--path {text!r}: give a path from the site's root on, such as /x/, 'POST /x/',"
            " or with a weight '3 GET /x/'."
        )
    return Step(path, method, weight)


def spread(steps: Sequence[Step], most: int) -> list[Step]:
    """At most so many of the steps, from all parts of the list."""
    if len(steps) <= most:
        return list(steps)
    return [steps[len(steps) * place // most] for place in range(most)]


def unique(steps: Sequence[Step]) -> list[Step]:
    """Each method and path once."""
    return list({(step.method, step.path): step for step in reversed(steps)}.values())[::-1]
