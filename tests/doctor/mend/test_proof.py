"""What a mend made is looked at before it counts: a mend that is wrong changes nothing."""

import pytest

from holdfast.doctor.mend import mending
from tests.doctor.mend import corpus

TWO = """\
import time


class Good:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)


def client_ip(request):
    header = request.META.get("HTTP_X_FORWARDED_FOR")
    return header.split(",")[0] if header else request.META["REMOTE_ADDR"]
"""


def nothing(finding, code):
    return ""


def another_finding(finding, code):
    function = code.function_of(finding)
    code.replace_statements(
        function.node.body,
        [
            code.statement("import threading\n"),
            code.statement("client_ip.local = request.META['REMOTE_ADDR']\n"),
            code.statement("return client_ip.local\n"),
        ],
    )
    return ""


def raises_half_way(finding, code):
    function = code.function_of(finding)
    code.replace_statements(function.node.body, [code.statement("return None\n")])
    raise mending.RefusedError("half-way")


def fails(finding, code):
    raise KeyError("nobody thought of that")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (fails, "a fault of the doctor's: KeyError: 'nobody thought of that'"),
        (nothing, "the doctor would still find it"),
        (another_finding, "the doctor would find S"),
        (raises_half_way, "half-way"),
    ],
)
def test_a_wrong_mend_is_taken_back_and_the_others_stay(wrong, why, tmp_path, monkeypatch):
    monkeypatch.setitem(mending._MENDS, "S6a", wrong)
    corpus.project(tmp_path, TWO)
    outcome = corpus.fix(tmp_path)
    (file,) = outcome.files
    assert [one.finding.code for one in file.mended] == ["S4a"]
    assert TWO[TWO.index("def client_ip") :].encode() in file.after
    (refusal,) = outcome.refused
    assert why in refusal.why


def test_what_would_not_compile_is_never_written(tmp_path, monkeypatch):
    compiled = mending.Code.result
    monkeypatch.setattr(mending.Code, "result", lambda code: compiled(code) + b"def\n")
    corpus.project(tmp_path, TWO)
    outcome = corpus.fix(tmp_path)
    assert not outcome.files
    assert {one.why for one in outcome.refused} == {"it would not compile"}


def test_what_others_in_the_project_say_counts(tmp_path):
    """A class that another file inherits from is left, though its own file doesn't tell."""
    good = TWO[: TWO.index("def client_ip")]
    file = corpus.project(tmp_path, good)
    assert corpus.fix(tmp_path).files
    file.with_name("more.py").write_text(
        "from shop.things import Good\n\n\nclass More(Good):\n    pass\n"
    )
    outcome = corpus.fix(tmp_path)
    assert not outcome.files
    assert "classes inherit from it" in outcome.refused[0].why


def test_what_is_known_of_other_files_is_not_read_again(tmp_path, monkeypatch):
    from holdfast.doctor.index import index_of
    from holdfast.doctor.sources import read

    file = corpus.project(tmp_path, TWO)
    others = {f"shop/other{n}.py": file.with_name(f"other{n}.py") for n in range(3)}
    for path in others.values():
        path.write_text("x = 1\n")
    findings, files = corpus.look(tmp_path)
    known = {name: index_of(read(path)) for name, path in files.items()}
    for path in others.values():
        path.unlink()  # whoever reads it now finds nothing
    outcome = mending.mended(findings, files, known)
    assert len(outcome.mended) == 2
