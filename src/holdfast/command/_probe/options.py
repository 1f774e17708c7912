"""The options of `holdfast probe`, those that say what users do, and the plan that they make."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...probe.markers import LETTERS, MOST_USERS
from ...probe.users.plan import Account, Login, Plan, PlanError, Step, path_given

_KEYS = frozenset({"path", "method", "weight", "headers", "body", "json"})


def arguments(parser: argparse.ArgumentParser) -> None:
    """All of them."""
    about_users(parser)
    _about_the_run(parser)
    parser.add_argument("server", nargs="+", metavar="COMMAND", help="the server's command")


def about_users(parser: argparse.ArgumentParser, *, default_path: str = "; default: /") -> None:
    """What users ask, who they are, and where they find the site."""
    asked = parser.add_argument_group("what users ask")
    asked.add_argument(
        "--path",
        action="append",
        default=[],
        metavar="PATH",
        help="such as /x/, 'POST /x/', or with a weight '3 GET /x/'; may be repeated"
        + default_path,
    )
    asked.add_argument("--body", metavar="TEXT", help="for those of the paths that take one")
    asked.add_argument(
        "--plan",
        type=Path,
        metavar="FILE",
        help="JSON or YAML: a list of requests with path, method, weight, headers, body or json",
    )
    asked.add_argument(
        "--openapi", metavar="FILE", help="paths from this description; also one of the site: /s/"
    )
    asked.add_argument("--urlconf", action="store_true", help="paths from Django's URLconf")
    asked.add_argument(
        "--unsafe", action="store_true", help="take from these also what is not asked by GET"
    )
    asked.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="of each request; {name} and {password} are the account's; may be repeated",
    )
    asked.add_argument(
        "--expect",
        action="append",
        default=[],
        type=_status,
        metavar="STATUS",
        help="an answer of this status is right, too; may be repeated",
    )
    who = parser.add_argument_group("who asks")
    who.add_argument("--users", type=_count, default=10, metavar="N", help="default: 10")
    who.add_argument(
        "--requests", type=_count, default=0, metavar="N", help="of each; default: each path once"
    )
    who.add_argument(
        "--think", default="0", metavar="S", help="pause between requests: 0.5, or from-to: 0.5-2"
    )
    who.add_argument("--login", metavar="PATH", help="of the page with the form")
    who.add_argument("--token-login", metavar="PATH", help="of what gives tokens, by JSON")
    who.add_argument(
        "--token-header", default="", metavar="'NAME: {token}'", help="default: Authorization"
    )
    who.add_argument(
        "--account",
        action="append",
        default=[],
        metavar="NAME:PASSWORD",
        help="users take turns with the accounts; may be repeated",
    )
    who.add_argument("--accounts", type=Path, metavar="FILE", help="one NAME:PASSWORD a line")
    who.add_argument(
        "--no-canary",
        action="append",
        default=[],
        choices=sorted(LETTERS),
        help="what the site shows to others on purpose; may be repeated",
    )
    where = parser.add_argument_group("where they ask")
    where.add_argument(
        "--timeout", type=_seconds, default=30.0, metavar="S", help="for an answer; default: 30"
    )
    where.add_argument(
        "--up-within", type=_seconds, default=30.0, metavar="S", help="for coming up; default: 30"
    )
    where.add_argument(
        "--url", default="", help="how the site is called; default: where the server listens"
    )


def _about_the_run(parser: argparse.ArgumentParser) -> None:
    run = parser.add_argument_group("the run")
    run.add_argument(
        "--seconds",
        type=_seconds,
        default=60.0,
        metavar="S",
        help="users then ask no more; default: 60",
    )
    run.add_argument(
        "--root",
        action="append",
        default=[],
        metavar="FOLDER",
        help="of the project's own code (may be given several times); default: this one",
    )
    run.add_argument(
        "--no-proof", action="store_true", help="don't run again to prove who is to blame"
    )
    run.add_argument(
        "--only-canaries",
        action="store_true",
        help="look for what crosses and what stays behind, and take no times",
    )
    told = parser.add_argument_group("what it says")
    told.add_argument("--html", type=Path, metavar="FILE", help="write one page with pictures")
    told.add_argument("--trace", type=Path, metavar="FILE", help="write a trace for Perfetto")
    told.add_argument(
        "--compare",
        type=Path,
        metavar="FILE",
        help="what is worse than in an earlier run, written by --json",
    )
    told.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep what was seen, and the server's output"
    )


def plan_of(options: argparse.Namespace) -> Plan:
    """What the options say.

    Raises:
        PlanError: they can't be meant so.
    """
    if options.users >= MOST_USERS:
        raise PlanError(f"--users {options.users}: {MOST_USERS - 1} are the most.")
    if options.url:
        # Late: the watch takes these options also where what the probe needs isn't installed.
        from ...probe.users.address import asked_for

        asked_for(options.url)
    accounts = _accounts(options)
    login = _login(options)
    if login is not None and not accounts:
        by = "login" if options.login else "token-login"
        raise PlanError(f"--{by} needs to know who: add --account NAME:PASSWORD.")
    steps = [_with_body(path_given(path), options.body) for path in options.path]
    if options.plan is not None:
        steps += _planned(options.plan)
    if not steps and not options.openapi and not options.urlconf:
        steps = [Step("/")]
    return Plan(
        steps=steps,
        users=options.users,
        requests=options.requests,
        seconds=options.seconds,
        timeout=options.timeout,
        think=_think(options.think),
        url=options.url,
        headers=dict(_header(text) for text in options.header),
        accounts=accounts,
        login=login,
        openapi=options.openapi or "",
        urlconf=options.urlconf,
        unsafe=options.unsafe,
        expect=frozenset(options.expect),
        canaries=frozenset(LETTERS) - frozenset(options.no_canary),
        up_within=options.up_within,
    )


def _with_body(step: Step, body: str | None) -> Step:
    if body is None or step.method in {"GET", "HEAD", "OPTIONS", "DELETE"}:
        return step
    return Step(step.path, step.method, step.weight, body=body)


def _login(options: argparse.Namespace) -> Login | None:
    if options.login and options.token_login:
        raise PlanError("--login and --token-login: give one of them.")
    path = options.login or options.token_login
    if not path:
        return None
    if not path.startswith("/"):
        raise PlanError(f"{path!r}: give the path of the login from the site's root on: /login/.")
    if options.token_header:
        _header(options.token_header)
    return Login(path, "form" if options.login else "token", options.token_header)


def _accounts(options: argparse.Namespace) -> Sequence[Account]:
    lines = list(options.account)
    if options.accounts is not None:
        text = _text_of(options.accounts, "--accounts")
        lines += [line for line in map(str.strip, text.splitlines()) if line]
    accounts = []
    for line in lines:
        name, colon, password = line.partition(":")
        if not colon or not name:
            # It may be a password: it is not said again.
            raise PlanError("An account is NAME:PASSWORD, and one of those given has no colon.")
        accounts.append(Account(name, password))
    return accounts


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or set(text) & {"\r", "\n"}:
        raise PlanError("A header is 'NAME: VALUE', and one of those given is not.")
    return name.strip(), value.strip()


def _think(text: str) -> tuple[float, float]:
    first, _, last = text.partition("-")
    try:
        least = float(first)
        most = float(last or first)
    except ValueError:
        least, most = 1.0, 0.0
    if not 0 <= least <= most:
        raise PlanError(f"--think {text}: give seconds, such as 0.5, or from-to, such as 0.5-2.")
    return least, most


def _planned(file: Path) -> list[Step]:
    import yaml

    try:
        found = yaml.safe_load(_text_of(file, "--plan"))
    except yaml.YAMLError as error:
        raise PlanError(f"--plan {file}: neither JSON nor YAML.") from error
    if not isinstance(found, list) or not found:
        raise PlanError(f"--plan {file}: it has to be a list of requests, each with a path.")
    return [_planned_step(one, file) for one in found]


def _planned_step(one: Any, file: Path) -> Step:
    if isinstance(one, str):
        return path_given(one)
    if not isinstance(one, Mapping) or not isinstance(one.get("path"), str):
        raise PlanError(f"--plan {file}: {one!r} has no path.")
    unknown = set(one) - _KEYS
    if unknown:
        raise PlanError(
            f"--plan {file}: knows no {min(map(str, unknown))!r}; known are"
            f" {', '.join(sorted(_KEYS))}."
        )
    typed = path_given(f"{one.get('weight', 1)} {one.get('method', 'GET')} {one['path']}")
    body = json.dumps(one["json"]) if "json" in one else str(one.get("body", ""))
    headers = one.get("headers") or {}
    if not isinstance(headers, Mapping):
        raise PlanError(f"--plan {file}: headers of {one['path']} are no mapping.")
    sent = {str(name): str(value) for name, value in headers.items()}
    return Step(typed.path, typed.method, typed.weight, sent, body)


def _text_of(file: Path, option: str) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise PlanError(f"{option} {file}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise PlanError(f"{option} {file}: it is no text.") from error


def _count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return number


def _status(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 100 <= number < 600:  # noqa: PLR2004 - HTTP's
        raise argparse.ArgumentTypeError(f"{text!r} is no status, such as 404")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return number
