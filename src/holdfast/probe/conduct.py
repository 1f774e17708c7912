"""Conducts a run: starts the server, sends the users, and stops all that it started."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from .. import aboard
from . import markers
from .aboard import capacity
from .change import Change
from .events import Route, Served
from .events import read as events_in
from .gathering import gathered
from .ordering import Orders
from .run import Asked, Run
from .serving import Serving, ended_how
from .users.address import Address
from .users.advice import not_right
from .users.asking import alone, rights, together, warm_up
from .users.canaries import Canaries
from .users.coming_up import NotUpError, address_of
from .users.discovery import discovered
from .users.login import log_in
from .users.open_files import enough_open_files
from .users.plan import Plan, PlanError, SiteFailedError, Step
from .users.user import User

#: The first run's name.
AS_IT_IS = "as it is"
_OBSERVER = "holdfast.probe.aboard"
#: Seconds from which on a request is asked twice before it is taken to be slow.
_SLOW = 0.3
#: A first process and at least two workers.
_SEVERAL = 3
#: Users ask anew so often where a worker had to load first, unless that takes seconds.
_COLD_ROUNDS, _LONG_ROUND = 2, 10.0


class ServerFailedError(RuntimeError):
    """The server did not come up, or can't be asked. The message says what to do.

    Attributes:
        log: what it printed.
    """

    def __init__(self, message: str, log: str) -> None:
        super().__init__(message)
        self.log = log


class Conductor:
    """Runs one command as often as is asked for. To be used by `with`.

    Args:
        words: the server's command, as the user typed it.
        plan: what the users do.
        roots: folders of the user's own code; default: the current one.
        observe: whether the observers take times; if not, only what crosses is looked for.
        told: is told what is done just now.
        keep: a folder for what was written; default: a temporary one.
        observers: come aboard besides the probe's own, see `holdfast.aboard.environment`.
    """

    def __init__(  # noqa: PLR0913 - the last four are by name
        self,
        words: Sequence[str],
        plan: Plan,
        roots: Sequence[Path] = (),
        *,
        observe: bool = True,
        told: Callable[[str], object] = lambda _: None,
        keep: Path | None = None,
        observers: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
    ) -> None:
        self._words = words
        self._observers = observers
        self._roots = [str(root.resolve()) for root in roots or [Path()]]
        self._observe = observe
        self._told = told
        self._keep = keep
        self._folder = Path()
        self._runs = 0
        #: With all steps, once the first run has found them.
        self.plan = plan
        #: Paths that were found, but don't answer as they should, each with its status.
        self.left_out: list[str] = []
        #: What each takes when it is asked alone.
        self.seconds: dict[Step, float] = {}
        self._is_first = True

    def __enter__(self) -> Self:
        if self._keep is not None:
            self._keep.mkdir(parents=True, exist_ok=True)
        # Absolute: the server may work in another folder.
        self._folder = Path(tempfile.mkdtemp(prefix="holdfast-probe-", dir=self._keep)).resolve()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._keep is None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, change: Change | None = None, name: str = AS_IT_IS) -> Run:
        """Start the server, send the users, stop the server. Blocks until that is done.

        Args:
            change: what the observers are to make different.
            name: of the run.

        Raises:
            ServerFailedError: the server did not come up, or can't be asked.
            PlanError: the plan can't be carried out.
            FileNotFoundError, PermissionError: there is no such program.
        """
        self._runs += 1
        folder = self._folder / str(self._runs)
        folder.mkdir()
        run = markers.new_run()
        settings = {
            "folder": str(folder),
            "roots": self._roots,
            "run": run,
            "markers": markers.pattern(run),
            "change": (change or Change()).as_settings(),
            "observe": self._observe,
        }
        environment = aboard.environment({_OBSERVER: settings, **self._observers})
        environment |= capacity.variables(change or Change())
        server = Serving(self._words, environment, folder)
        try:
            conducted = _Conducted(self, server, folder, run, first=self._is_first)
            with enough_open_files(self.plan.users):
                made = asyncio.run(conducted.made())
        except NotUpError as error:
            server.end()
            raise ServerFailedError(f"{self._words[0]} {error}.", server.log()) from error
        except PlanError as error:
            server.end()
            log = server.log() if isinstance(error, SiteFailedError) else ""
            raise ServerFailedError(str(error), log) from error
        finally:
            server.end()
        self._is_first = False
        made.name = name
        made.log = server.log()
        made.settings["change"] = settings["change"]
        return gathered(made, folder, run, _person(self.plan))

    @property
    def folder(self) -> Path:
        """Where all that was written is, while this is used, or where it is kept."""
        return self._folder

    @property
    def words(self) -> Sequence[str]:
        """The command."""
        return self._words

    def tell(self, what: str) -> None:
        """Say what is done just now."""
        self._told(what)


class _Conducted:
    """One run, while its server is up."""

    def __init__(
        self, conductor: Conductor, server: Serving, folder: Path, run: str, *, first: bool
    ) -> None:
        self._conductor = conductor
        self._server = server
        self._folder = folder
        self._run = run
        self._first = first
        self._orders = Orders(folder, server)

    async def made(self) -> Run:
        conductor, plan = self._conductor, self._conductor.plan
        conductor.tell("waits for the server")
        address = await address_of(self._server, conductor.words, plan)
        canaries = Canaries(self._run, _person(plan))
        async with AsyncExitStack() as opened:

            async def user(number: int) -> User:
                made = User(number, plan, address, self._run, canaries)
                return await opened.enter_async_context(made)

            first = await user(-1)
            users = [await user(number) for number in range(plan.users)]
            if plan.login is not None:
                conductor.tell(f"logs in at {plan.login.path}")
                await log_in([first, *users], plan.login, self._run, canaries)
            if self._first:
                plan = conductor.plan = await self._with_steps(plan, first, address)
            made = await self._asked(plan, first, users)
        canaries.read_log(self._server.log())
        made.crossed = canaries.crossed
        made.settings["address"] = str(address)
        return made

    async def _with_steps(self, plan: Plan, first: User, address: Address) -> Plan:
        """The plan with what sources give, and without what doesn't answer as it should."""
        conductor = self._conductor
        typed = list(plan.steps)
        found = await discovered(plan, first, self._routes)
        steps: list[Step] = []
        for step in (*typed, *found):
            conductor.tell(f"asks {step}")
            await first.prepare(step)
            answer = await first.ask(step)
            if answer.asked.seconds > _SLOW and not answer.asked.error:
                # That may have been the server's own beginning.
                answer = await first.ask(step)
            conductor.seconds[step] = answer.asked.seconds
            if plan.is_right(answer.asked.status) and not answer.asked.error:
                steps.append(step)
            elif step in typed:
                if self._server.has_ended():
                    raise NotUpError(f"{ended_how(self._server.status())} when it was asked {step}")
                raise not_right(step, answer, plan, address)
            else:
                conductor.left_out.append(f"{step} ({answer.asked.status or answer.asked.error})")
        if not steps:
            raise PlanError(
                "None of the paths that were found is answered as it should: "
                + ", ".join(conductor.left_out[:5])
            )
        return replace(plan, steps=steps)

    async def _routes(self) -> Sequence[Route]:
        await self._orders.give("routes", everybody=True)
        return [event for event in events_in(self._folder) if isinstance(event, Route)]

    async def _asked(self, plan: Plan, first: User, users: Sequence[User]) -> Run:
        conductor, server = self._conductor, self._server
        for one in users:
            for step in plan.steps:
                await one.prepare(step)
        conductor.tell("warms up, and looks for what crosses")
        checked = await warm_up(users, plan, conductor.seconds)
        if self._first and len({one.user for one in checked}) == plan.users:
            # What grows is told by a second look, after as many users: a pool is full by then.
            await self._orders.give("count")
        conductor.tell("asks alone")
        asked_alone = await alone(first, plan, once=not self._first)
        if not self._first and not rights(asked_alone, plan):
            raise PlanError("The answers are not right any more.")
        for one in users:
            await one.reconnect()
        conductor.tell(f"{plan.users} users ask at once")
        asked = await together(users, plan)
        for _ in range(_COLD_ROUNDS):
            if not await self._met_cold_workers(asked):
                break
            # Loading a worker is no waiting for each other: ask those that are warm now.
            checked += asked
            asked = await together(users, plan)
        # Either way the observers write down all that they know. Reruns are for times only.
        await self._orders.give("kept" if self._first else "count")
        settings: dict[str, Any] = {
            "steps": [str(step) for step in plan.steps],
            "requests": plan.rounds(),
            "think": list(plan.think),
        }
        if server.has_ended():
            settings["ended"] = ended_how(server.status())
        return Run("", plan.users, asked_alone, asked, checked, settings=settings)

    async def _met_cold_workers(self, asked: Sequence[Asked]) -> bool:
        """Whether one of several workers had its first request only now."""
        if len(self._server.processes()) < _SEVERAL or _wall(asked) > _LONG_ROUND:
            return False
        # The observers write a moment later.
        await asyncio.sleep(0.2)
        names = {one.request for one in asked}
        served = [one for one in events_in(self._folder) if isinstance(one, Served)]
        warm = {one.pid for one in served if one.request not in names}
        return any(one.pid not in warm for one in served if one.request in names)


def _wall(asked: Sequence[Asked]) -> float:
    return max((one.done for one in asked), default=0.0) - min(
        (one.sent for one in asked), default=0.0
    )


def _person(plan: Plan) -> Callable[[int], object]:
    def person(user: int) -> object:
        account = plan.account(user)
        # Who has the same account may see the same.
        return user if account is None else account.name

    return person


def conduct(  # noqa: PLR0913 - the last three are by name
    words: Sequence[str],
    plan: Plan,
    change: Change | None = None,
    *,
    name: str = AS_IT_IS,
    roots: Sequence[Path] = (),
    observe: bool = True,
) -> Run:
    """One run: start the server, send the users, stop the server. See `Conductor`."""
    with Conductor(words, plan, roots, observe=observe) as conductor:
        return conductor.run(change, name)
