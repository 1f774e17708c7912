"""`--format sarif`: it is SARIF 2.1.0, and says what there is to say."""

import json
from pathlib import Path

import fastjsonschema
import pytest

from holdfast.doctor.classes import every_rule

SCHEMA = Path(__file__).with_name("sarif-schema-2.1.0.json")


@pytest.fixture(scope="module")
def validate():
    return fastjsonschema.compile(json.loads(SCHEMA.read_text()), use_default=False)


@pytest.fixture
def log(doctor, validate):
    """The log that the command writes, held to the schema."""

    def run(*words):
        status, output, errors = doctor("--format", "sarif", *words)
        assert (status in {0, 1}, errors) == (True, "")
        data = json.loads(output)
        validate(data)
        return data["runs"][0]

    return run


def test_the_schema_finds_what_is_wrong(validate):
    with pytest.raises(fastjsonschema.JsonSchemaException):
        validate({"version": "2.1.0", "runs": [{"tool": {}}]})


def test_a_finding_has_its_rule_its_place_and_its_story(sick, log):
    run = log()
    (result,) = run["results"]
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert (result["ruleId"], rule["id"], result["level"]) == ("S1a", "S1a", "error")
    assert rule["shortDescription"]["text"] == "Data of one request on an object that outlives it"
    assert "two requests at once both write self.started" in result["message"]["text"]
    (place,) = result["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "shop/middleware.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 9, "startColumn": 9, "endLine": 9},
    }
    assert place["logicalLocations"] == [{"fullyQualifiedName": "Timing.process_request"}]
    assert result["properties"]["attribute"] == "self.started"


def test_all_rules_findings_and_problems_hold_to_the_schema(project, log):
    for place, rule in enumerate(every_rule()):
        project.put(f"a shop {place}/views & co.py", rule.wrong)
    project.put("broken.py", "(")
    run = log()
    told = {result["ruleId"] for result in run["results"]}
    assert len(told) > 10
    assert all(
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].startswith("a%20shop")
        for result in run["results"]
    )
    problems = run["invocations"][0]["toolExecutionNotifications"]
    assert "Not examined: it can't be parsed: '(' was never closed (line 1)" in [
        problem["message"]["text"] for problem in problems
    ]


def test_a_clean_project_gives_an_empty_log(healthy, log):
    assert log()["results"] == []


def test_a_finding_is_known_again_after_its_line_has_moved(sick, log):
    def marks():
        return [result["partialFingerprints"]["holdfastDoctor/v1"] for result in log()["results"]]

    before = marks()
    file = sick.root / "shop/middleware.py"
    file.write_text(f"# moved\n\n{file.read_text()}")
    assert marks() == before


def test_two_findings_that_are_alike_have_marks_of_their_own(project, log):
    body = "    def process_request(self, request):\n        self.user = request.user\n"
    project.put("shop.py", f"class AMiddleware:\n{body}\n\nclass AMiddleware:\n{body}\n")
    marks = [result["partialFingerprints"]["holdfastDoctor/v1"] for result in log()["results"]]
    assert len(set(marks)) == len(marks) > 1


def test_columns_count_letters(project, log):
    project.put(
        "shop.py",
        "class AMiddleware:\n"
        "    def process_request(self, request):\n"
        "        äöü = 1; self.user = request.user\n",
    )
    (result,) = log("--select", "S1")["results"]
    assert result["locations"][0]["physicalLocation"]["region"]["startColumn"] == 18


def test_a_file_elsewhere_has_its_whole_path(sick, log, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (result,) = log(sick.root)["results"]
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": f"file://{sick.root}/shop/middleware.py"}
