"""`--format github`: commands that GitHub shows beside the lines."""

import pytest

from holdfast.doctor.examination import Problem
from holdfast.doctor.findings import Finding
from holdfast.doctor.reports import Report, github


def finding(**changed):
    given = {
        "code": "S1a", "path": "shop/views.py", "line": 3, "column": 5, "end_line": 4,
        "symbol": "View.get", "attribute": "self.user", "severity": "error", "confidence": "high",
        "message": "Both write it.", "mend": "Keep it.",
    }  # fmt: skip
    return Finding(**(given | changed))


def test_a_finding_is_a_command_in_one_line(sick, doctor):
    status, output, errors = doctor("--format", "github")
    assert (status, errors) == (1, "")
    first, last = output.splitlines()
    assert first.startswith(
        "::error file=shop/middleware.py,line=9,title=S1a in Timing.process_request::"
    )
    assert first.endswith("%0AMend: Keep it on the request, in holdfast.state, or pass it as an"
                          " argument.")  # fmt: skip
    assert last == "1 finding in 2 files"


@pytest.mark.parametrize(
    ("severity", "command"), [("error", "error"), ("warning", "warning"), ("info", "notice")]
)
def test_severities_are_githubs(severity, command):
    assert github.written(Report([finding(severity=severity)])).startswith(f"::{command} ")


def test_what_github_would_take_for_its_own_is_escaped():
    odd = finding(path="a,b:c%\n::error::.py", message="100%\r\n::error::x", symbol="")
    first, *_ = github.written(Report([odd])).splitlines()
    assert first == (
        "::error file=a%2Cb%3Ac%25%0A%3A%3Aerror%3A%3A.py,line=3,title=S1a"
        "::100%25%0D%0A::error::x%0AMend: Keep it."
    )


def test_problems_are_notices():
    written = github.written(Report([], [Problem("a.py", "it can't be parsed: x")], files=1))
    assert written == (
        "::notice file=a.py::Not examined: it can't be parsed: x\n0 findings in 1 file\n"
    )
