"""The documentation leaves nothing out, and what it names exists."""

import re
import tomllib
from pathlib import Path

import pytest

import holdfast

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *(path for path in DOCS.glob("**/*.md") if "_build" not in path.parts)]


MAKE_DEMO = r"make demo SERVER=(\S+?)[`\s]"


def text(path):
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", holdfast.__all__)
def test_every_public_name_has_an_entry_in_the_reference(name):
    entry = rf"^\.\. (auto\w+:: holdfast\.|py:data:: ){name}$"
    assert re.search(entry, text(DOCS / "reference.md"), re.MULTILINE)


@pytest.mark.parametrize("name", holdfast.shared.__all__)
def test_every_name_of_shared_state_has_an_entry_in_the_reference(name):
    if name == "Missing":
        return  # the type of MISSING, for annotations
    entry = rf"^\.\. (auto\w+:: holdfast\.|py:data:: )shared\.{name}$"
    assert re.search(entry, text(DOCS / "reference.md"), re.MULTILINE)


def test_every_method_of_a_shared_dict_stands_in_the_reference():
    listed = text(DOCS / "reference.md").partition("autoclass:: holdfast.shared.Dict")[2]
    listed = listed.partition(":exclude-members:")[0]
    public = {
        name
        for name in vars(holdfast.shared.Dict)
        if not name.startswith("_") and name != "iterate_items"
    }
    assert public == set(re.findall(r"\w+", listed.partition(":members:")[2]))


def test_every_command_is_documented_and_none_that_is_not_there():
    from holdfast.command import shared

    rows = re.findall(r"^\| `([a-z]+)[ `]", text(DOCS / "shared" / "commands.md"), re.MULTILINE)
    there = {path.stem for path in Path(shared.__path__[0]).glob("*.py")}
    assert set(rows) == {name for name in there if not name.startswith("_")}


@pytest.mark.parametrize(
    "entrance",
    [
        "holdfast.wsgi.RequestScope",
        "holdfast.asgi.RequestScope",
        "holdfast.django.middleware.RequestScope",
        "holdfast.django.cache.EmbeddedCache",
        "holdfast.django.cache.GuardedCache",
    ],
)
def test_every_entrance_has_an_entry_in_the_reference(entrance):
    assert f"autoclass:: {entrance}\n" in text(DOCS / "reference.md")


def codes_in_the_source():
    return {
        code
        for path in (ROOT / "src").glob("**/*.py")
        for code in re.findall(r'"(?:holdfast\.)?([EW]\d{3})"', text(path))
    }


def test_every_check_code_is_explained_and_none_that_is_not_there():
    assert codes_in_the_source()
    explained = set(re.findall(r"^## ([EW]\d{3})$", text(DOCS / "checks.md"), re.MULTILINE))
    assert explained == codes_in_the_source()


def test_every_check_code_stands_in_the_reference():
    listed = set(re.findall(r"`holdfast\.([EW]\d{3})`\]\(checks\.md#", text(DOCS / "reference.md")))
    assert listed == codes_in_the_source()


def test_every_setting_stands_in_the_reference():
    from holdfast.configuration import _KEYS

    settings = text(DOCS / "reference.md").partition("## Settings")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", settings, re.MULTILINE)) == set(_KEYS)


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z][a-z-]*):", text(ROOT / "Makefile"), re.MULTILINE))
    named = {
        (page.name, target)
        for page in PAGES
        for target in re.findall(r"(?:^\$ |`)make ([a-z][a-z-]*)", text(page), re.MULTILINE)
    }
    assert {("README.md", "demo"), ("README.md", "test")} <= named
    assert {target for _, target in named} <= targets


def test_every_server_of_the_demo_that_is_named_exists():
    from demonstration.servers import SERVERS

    named = {server for page in PAGES for server in re.findall(MAKE_DEMO, text(page))}
    assert named
    assert named <= set(SERVERS)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_to_files_that_exist(page):
    # The documentation build checks this, too, but doesn't see the README.
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text(page)):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_anchors_in_links_are_headings(page):
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", text(page)):
        linked = page.parent / target if target else page
        anchors = {
            re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.+)$", text(linked), re.MULTILINE)
        }
        assert anchor in anchors, f"{target}#{anchor}"


@pytest.mark.parametrize("page", ["README.md", "docs/first-steps.md"])
def test_every_extra_is_listed_where_installing_is_described(page):
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    rows = re.findall(r"^\| (`[^|]*) \|", text(ROOT / page).partition("| extra |")[2], re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(extras)
