"""`[tool.holdfast.doctor]` in pyproject.toml, beside the options of the command."""

import pytest

SYNC = """
    class Sync:
        def __init__(self, get_response):
            self.get_response = get_response

        def __call__(self, request):
            return self.get_response(request)
"""


@pytest.fixture
def configured(sick):
    """Writes the table into the project's pyproject.toml; the project has an S1a and two S4a."""
    sick.write({"legacy/middleware.py": SYNC, "shop/sync.py": SYNC})

    def write(text, folder="."):
        return sick.put(f"{folder}/pyproject.toml", f"[tool.holdfast.doctor]\n{text}\n")

    return write


@pytest.fixture
def places(found):
    """Gives the codes that are told, by file."""

    def run(*words):
        return [f"{one['path']} {one['code']}" for one in found(*words)["findings"]]

    return run


LEGACY, TIMING, SHOP = "legacy/middleware.py S4a", "shop/middleware.py S1a", "shop/sync.py S4a"
ALL = [LEGACY, TIMING, SHOP]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("", ALL),
        ('select = ["S1"]', [TIMING]),
        ('ignore = ["S4a"]', [TIMING]),
        ('severity = "error"', [TIMING]),
        ('confidence = "high"', ALL),
        ('exclude = ["legacy"]', [TIMING, SHOP]),
        ('exclude = ["shop/*.py"]', [LEGACY]),
        ('[tool.holdfast.doctor.paths]\n"legacy/**" = {ignore = ["S4"]}', [TIMING, SHOP]),
        ('[tool.holdfast.doctor.paths]\n"shop" = {select = ["S4"]}', [LEGACY, SHOP]),
        ('[tool.holdfast.doctor.paths]\n"*.py" = {severity = "error"}', [TIMING]),
        (
            'severity = "error"\n[tool.holdfast.doctor.paths]\n"shop/**" = {severity = "warning"}',
            [TIMING, SHOP],
        ),
        (
            'paths = {"**" = {severity = "error"}, "shop" = {severity = "info"}}',
            [TIMING, SHOP],
        ),
    ],
)
def test_it_says_which_findings_are_told(configured, places, table, expected):
    configured(table)
    assert places() == expected


def test_it_says_when_the_command_fails(configured, doctor):
    configured('fail-on = "never"')
    assert doctor()[0] == 0
    assert doctor("--fail-on", "warning")[0] == 1


def test_options_have_the_last_word(configured, places):
    configured('select = ["S1"]\nseverity = "error"')
    assert places("--select", "S4", "--severity", "info") == [LEGACY, SHOP]


def test_what_is_ignored_or_excluded_stays_so(configured, places):
    configured('ignore = ["S1"]\nexclude = ["legacy"]')
    assert places("--ignore", "S9", "--exclude", "nothing") == [SHOP]


def test_the_nearest_file_with_such_a_table_counts(configured, places, sick, monkeypatch):
    configured('select = ["S1"]')
    configured('select = ["S4"]', "shop")
    sick.put("legacy/pyproject.toml", "[tool.other]\nx = 1\n")
    assert places() == [TIMING]
    assert places("shop") == [SHOP]
    assert places("legacy") == []
    monkeypatch.chdir(sick.root / "legacy")
    assert places() == []


def test_patterns_begin_at_its_folder(configured, places, sick, monkeypatch):
    configured('exclude = ["/middleware.py", "legacy/middleware.py"]')
    monkeypatch.chdir(sick.root / "shop")
    assert places() == ["middleware.py S1a", "sync.py S4a"]
    monkeypatch.chdir(sick.root / "legacy")
    assert places() == []


def test_another_file_can_be_named(configured, places, sick):
    configured('select = ["S1"]')
    configured('select = ["S4"]', "ci")
    assert places("--config", "ci/pyproject.toml") == [LEGACY, SHOP]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('selct = ["S1"]', "[tool.holdfast.doctor] knows no 'selct'. Did you mean 'select'?"),
        ("nonsense = 1", "knows no 'nonsense'. Known: baseline, confidence, exclude, fail-on, "),
        ('select = ["S99"]', "select in [tool.holdfast.doctor]: the doctor knows no 'S99'."),
        ('select = "S1"', "select in [tool.holdfast.doctor] has to be a list of texts, not 'S1'."),
        ("exclude = [1]", "exclude in [tool.holdfast.doctor] has to be a list of texts, not [1]."),
        ('severity = "eror"', "severity in [tool.holdfast.doctor] can't be 'eror'. Did you mean"),
        ("confidence = 1", "confidence in [tool.holdfast.doctor] has to be a text, not 1."),
        ('fail-on = "high"', "fail-on in [tool.holdfast.doctor] can't be 'high'. Known: error, "),
        ("paths = 1", "paths has to be a table"),
        ("paths = {a = 1}", '[tool.holdfast.doctor.paths."a"] has to be a table'),
        ("paths = {a = {exclude = []}}", ".paths.\"a\"] knows no 'exclude'. Known: confidence,"),
    ],
)
def test_what_it_does_not_know_is_said_in_one_line(configured, doctor, table, says):
    configured(table)
    status, output, errors = doctor()
    assert (status, output) == (2, "")
    assert says in errors
    assert errors.count("\n") == 1


def test_a_file_that_is_named_has_to_be_right(sick, doctor):
    assert "can't be read: No such file" in doctor("--config", "nowhere.toml")[2]
    sick.put("broken.toml", "= 1")
    assert "is no TOML" in doctor("--config", "broken.toml")[2]


def test_one_that_is_not_named_and_broken_is_somebody_elses_matter(sick, codes):
    sick.put("pyproject.toml", "= 1")
    assert codes() == [("S1a", 9)]
