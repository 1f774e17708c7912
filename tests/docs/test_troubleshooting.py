"""Who looks an error message up finds it: the headings say what the source says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OF_OTHERS = ("'_thread._local'", "AsyncToSync", "DatabaseWrapper")

HEADINGS = re.findall(
    r"^## (\w+(?:Error|Warning|NoRequest|RequestEnded|Request)): (.+)$",
    (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)
OURS = [message for _, message in HEADINGS if not any(word in message for word in OF_OTHERS)]


def messages_of_the_source():
    """The whole source, with string literals that are split over lines put together."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").glob("**/*.py"))
    return re.sub(r'"\s*\n\s*f?"', "", source)


@pytest.mark.parametrize("message", OURS)
def test_the_source_has_the_message_of_the_heading(message):
    source = messages_of_the_source()
    known = message.replace("carry() takes a function, not a coroutine object", "carry() takes a")
    known = known.replace("holdfast.request can't be pickled", " can't be pickled")
    for part in re.split(r"…|GET /", known):
        if len(part.strip("() :,.")) > 3:
            assert part.strip() in source, part


def test_headings_were_found():
    assert len(OURS) >= 8
    assert len(HEADINGS) - len(OURS) == len(OF_OTHERS)
