"""Runs as the probe would have seen them, made by hand."""

from holdfast.probe.change import Change
from holdfast.probe.events import Load, Process, Served, Span
from holdfast.probe.findings.finding import Finding, Proof
from holdfast.probe.findings.ideal import ideal_of
from holdfast.probe.report.report import Report
from holdfast.probe.run import Asked, Run

RUN = "abcdefghij"
SLEEP = 1.0
LOGGER = "shared.middleware.ApiLogger"
ZERO = 5000.0


def request(user, number=0):
    return f"{RUN}-{user}-{number}"


def alone(path="/api/sleep/", seconds=SLEEP):
    return [
        Asked(f"{RUN}-alone-{n}", -1, "GET", path, at, at + seconds, at + seconds, 200, 120)
        for n, at in enumerate((ZERO - 9, ZERO - 6, ZERO - 3), 1)
    ]


def serial(
    users=10, *, name="as it is", seconds=SLEEP, path="/api/sleep/", view="site.views.Sleep"
):
    """One after another: sync code of all has one thread; each holds it while in its view."""
    together, served, spans, loads = [], [], [], []
    for user in range(users):
        mine, sent = request(user), ZERO + 0.0004 * user
        begun = ZERO + 0.01 + user * seconds
        ended = begun + seconds
        left, lane = ended + 0.002, f"task {user + 3}"
        together.append(Asked(mine, user, "GET", path, sent, left + 0.001, left, 200, 120))
        served.append(Served(mine, 4211, lane, sent + 0.003, left, None, view, "api/sleep/"))
        before = request(user - 1) if user else ""
        spans += [
            Span(mine, 4211, "layer", LOGGER, sent + 0.004, left - 0.0005, lane),
            Span(
                mine, 4211, "thread", LOGGER, sent + 0.005, begun, lane, "shared/middleware.py:12",
                before, ("shared/middleware.py:12 __call__",), {"sensitive": True},
            ),
            Span(mine, 4211, "view", view, begun, ended, "thread 2", "site/views.py:7"),
        ]  # fmt: skip
    for n in range(int((users * seconds + 0.2) * 10)):
        at = ZERO + n / 10
        loads.append(Load(4211, at, at + 0.1, 0.004, users - int(n / 10 / seconds)))
    return Run(
        name,
        users,
        alone(path, seconds),
        together,
        processes=[Process(4210, 1, ZERO - 20, "3.11", "gunicorn"),
                   Process(4211, 4210, ZERO - 19, "3.11", "gunicorn")],
        served=served,
        spans=spans,
        loads=loads,
    )  # fmt: skip


def side_by_side(users=10, *, name=f"without {LOGGER}", seconds=SLEEP, path="/api/sleep/"):
    """All at once."""
    view = "site.views.Sleep"
    together, served, spans = [], [], []
    for user in range(users):
        mine, sent = request(user), ZERO + 0.0004 * user
        begun = sent + 0.004
        left = begun + seconds + 0.0003 * user
        lane = f"task {user + 3}"
        together.append(Asked(mine, user, "GET", path, sent, left + 0.001, left, 200, 120))
        served.append(Served(mine, 4311, lane, begun, left, None, view, "api/sleep/"))
        spans.append(Span(mine, 4311, "view", view, begun + 0.001, left, lane, "site/views.py:7"))
    process = Process(4311, 4310, ZERO - 19, "3.11", "gunicorn")
    return Run(
        name,
        users,
        alone(path, seconds),
        together,
        processes=[process],
        served=served,
        spans=spans,
        loads=[Load(4311, ZERO, ZERO + 0.1, 0.03, users)],
    )


def in_turns(users=6, requests=8, *, seconds=0.05):
    """Each user asks several times, and waits a little for a worker each time."""
    together, served = [], []
    for user in range(users):
        at = ZERO + 0.001 * user
        for number in range(requests):
            mine, done = request(user, number), at + seconds
            together.append(Asked(mine, user, "GET", "/", at, done, done, 200 if number else 503))
            served.append(
                Served(mine, 9, f"thread {user}", at + seconds / 5, done, view="site.page")
            )
            at = done + 0.001
    process = Process(9, 1, ZERO - 20, "3.12", "waitress")
    return Run("as it is", users, alone("/", seconds), together, processes=[process], served=served)


def finding(**more):
    before, after = more.pop("before", 10.0), more.pop("after", 1.02)
    given = {
        "code": "thread-sensitive",
        "culprit": LOGGER,
        "sentence": f"Serial because of {LOGGER}; without it {after:.2f} s instead of"
        f" {before:.1f} s.",
        "mend": "Make the middleware async: set async_capable, and await get_response.",
        "place": "shared/middleware.py:12",
        "proof": Proof(
            f"without {LOGGER}",
            Change(without_middleware=(LOGGER,)),
            before,
            after,
            f"without {LOGGER}",
            holds=True,
        ),
        "evidence": ("user 2 waited 1.0 s while user 1 had the thread",),
    }
    return Finding(**{**given, **more})


def report(users=10, *, seconds=SLEEP, findings=None):
    before = serial(users, seconds=seconds)
    after = side_by_side(users, seconds=seconds)
    found = [finding(before=before.wall, after=after.wall)] if findings is None else findings
    command = ["gunicorn", "mysite.asgi:application", "-k", "uvicorn_worker.UvicornWorker"]
    return Report(command, [before, after], ideal_of(before, 4), found)
