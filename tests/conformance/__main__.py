"""Run the conformance matrix: `python -m tests.conformance [server ...]`.

Real servers over real sockets, each at every place. Prints the tables; with no servers named, it
also writes docs/conformance.md. Takes two minutes. CONFORMANCE_TIMES=10 makes ten times the
requests, CONFORMANCE_SEED repeats an order of them.
"""

import sys

from tests.conformance import table
from tests.conformance.known_failures import KNOWN
from tests.conformance.matrix import SEED, Outcome, run
from tests.conformance.servers import BY_ID, SERVERS


def main(names: list[str]) -> int:
    servers = [BY_ID[name] for name in names] or list(SERVERS)
    print(f"seed {SEED}", flush=True)
    outcomes = {server.name: _run(server.name) for server in servers}
    if names:
        return int(any(outcome.failures for outcome in outcomes.values()))
    known = {known.name: _run_known(known.server, known.subject) for known in KNOWN}
    for each in [*table.tables(outcomes), table.known_table(known)]:
        print(table.text(each))
    failures = sum(outcome.failures for outcome in outcomes.values())
    requests = sum(outcome.requests for outcome in outcomes.values())
    print(f"{requests} requests, {failures} failures")
    table.PAGE.write_text(table.page(outcomes, known))
    return int(failures > 0)


def _run(name: str) -> Outcome:
    outcome = run(BY_ID[name])
    print(f"{name}: {outcome.summary}", flush=True)
    complaints = outcome.complaint(list(outcome.tallies))
    if complaints or outcome.noise:
        print(complaints, *outcome.noise, sep="\n")
    return outcome


def _run_known(name: str, subject: str) -> Outcome:
    server = BY_ID[name]
    outcome = run(server, subject, [row for row in server.rows() if row != "closed"])
    print(f"{name} with {subject}: {outcome.summary}", flush=True)
    return outcome


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
