"""Each case becomes what stands beside it, and then there is nothing more to be found or mended."""

import pytest

from holdfast.doctor.mend.mending import mended
from tests.doctor.mend import corpus

MENDED = [(name, case) for name in corpus.CLASSES for case in corpus.cases(name)]
REFUSED = [(name, case) for name in corpus.CLASSES for case in corpus.cases(f"{name}_refused")]


def ids(cases):
    return [f"{name}-{number}-{case}" for number, (name, case) in enumerate(cases)]


def of_class(name, findings):
    return [one for one in findings if one.class_.lower() == name]


@pytest.mark.parametrize(("name", "case"), MENDED, ids=ids(MENDED))
def test_a_case_becomes_what_is_written_and_passes_the_doctor(name, case, tmp_path):
    file = corpus.project(tmp_path, case.before)
    findings, files = corpus.look(tmp_path)
    assert of_class(name, findings)

    outcome = mended(findings, files)

    (changed,) = outcome.files
    assert changed.after.decode() == case.after
    assert not of_class(name, [one.finding for one in outcome.refused])
    assert file.read_text() == case.before  # nothing is written here
    file.write_text(case.after)
    found, files = corpus.look(tmp_path)
    assert not of_class(name, found)
    assert {one.code for one in found} <= {one.code for one in findings}
    assert not mended(found, files).files


@pytest.mark.parametrize(("name", "case"), REFUSED, ids=ids(REFUSED))
def test_what_is_not_sure_is_left_and_the_reason_is_said(name, case, tmp_path):
    corpus.project(tmp_path, case.before)
    outcome = corpus.fix(tmp_path)
    reasons = [one.why for one in outcome.refused if one.finding.class_.lower() == name]
    assert not of_class(name, [one.finding for one in outcome.mended])
    assert any(case.name in reason for reason in reasons), reasons
    assert all("\n" not in str(one) for one in outcome.refused)


@pytest.mark.parametrize("name", corpus.CLASSES)
def test_there_are_eight_shapes_of_each_class(name):
    assert len(corpus.cases(name)) >= 8
    assert len(corpus.cases(f"{name}_refused")) >= 8
