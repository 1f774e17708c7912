"""Every example in the README and the documentation runs, and does what the text says."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUNNER = Path(__file__).with_name("run_document.py")


def _has_examples(text):
    """Shown ones, or hidden ones that check what a console block says."""
    return "```python" in text or "<!-- invisible-code: python" in text


DOCUMENTS = sorted(
    path
    for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    if "_build" not in path.parts and _has_examples(path.read_text(encoding="utf-8"))
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples_run_and_do_what_the_text_says(document):
    outcome = subprocess.run(
        [sys.executable, "-W", "error", str(RUNNER), str(document)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert not outcome.stderr, outcome.stderr


def run(text, tmp_path):
    document = tmp_path / "document.md"
    document.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(RUNNER), str(document)], capture_output=True, text=True, check=False
    )


def test_an_example_that_raises_fails_its_document(tmp_path):
    outcome = run("Text\n\n```python\nassert 1 + 1 == 3\n```\n", tmp_path)
    assert outcome.returncode != 0
    assert "document.md" in outcome.stderr
    assert "line 4" in outcome.stderr


def test_an_example_that_prints_something_else_fails_its_document(tmp_path):
    outcome = run("Text\n\n```python\n>>> 1 + 1\n3\n```\n", tmp_path)
    assert outcome.returncode != 0
    assert "Expected:\n    3\nGot:\n    2" in outcome.stderr


def test_examples_of_a_document_share_their_names_and_hidden_ones_run(tmp_path):
    text = "```python\nx = 1\n```\n\n<!-- invisible-code: python\nassert x == 2, x\n-->\n"
    outcome = run(text, tmp_path)
    assert outcome.returncode != 0
    assert "AssertionError: 1" in outcome.stderr


def test_there_are_documents_with_examples():
    names = {path.name for path in DOCUMENTS}
    assert {"README.md", "first-steps.md", "bulk-loader.md", "carrying.md"} <= names
