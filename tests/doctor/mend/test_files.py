"""Bytes stay that nobody asked to be changed: encodings, line ends, tabs. No half-written file."""

import os
import stat

import pytest

from holdfast.doctor.mend.diffs import diff
from holdfast.doctor.mend.files import NotWrittenError, write
from tests.doctor.mend import corpus

BEFORE = """\
class Middleware:
    name = "tea"

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)
"""
BOM = b"\xef\xbb\xbf"
KINDS = {
    "windows": BEFORE.replace("\n", "\r\n").encode(),
    "mixed": BEFORE.replace("\n", "\r\n", 3).encode(),
    "byte order mark": BOM + BEFORE.encode(),
    "latin-1": b"# coding: latin-1\n" + BEFORE.replace("tea", "th\u00e9").encode("latin-1"),
    "utf-8": BEFORE.replace("tea", "お茶 🍵").encode(),
    "tabs": BEFORE.replace("    ", "\t").encode(),
    "two spaces": BEFORE.replace("    ", "  ").encode(),
    "no end of line": BEFORE.rstrip().encode(),
    "trailing spaces": BEFORE.replace("\n\n", "\n   \n").encode(),
}


@pytest.mark.parametrize("data", KINDS.values(), ids=KINDS)
def test_lines_that_are_not_mended_stay_byte_by_byte(data, tmp_path):
    corpus.project(tmp_path, data)
    (file,) = corpus.fix(tmp_path).files
    kept = [line for line in data.lstrip(BOM).split(b"\n") if line.strip()]
    after = file.after.lstrip(BOM).split(b"\n")
    places = [after.index(line) for line in kept]
    assert places == sorted(places)
    assert file.after.startswith(BOM) == data.startswith(BOM)
    if b"\r\n" in data and data.count(b"\r\n") == data.count(b"\n"):
        assert file.after.count(b"\r\n") == file.after.count(b"\n")
    if b"\t" in data:
        assert b"\n  " not in file.after
    compile(file.after, "x", "exec", dont_inherit=True)


@pytest.mark.parametrize(
    "source",
    [
        "class Middleware:\n    def __call__(self, request)\n        return 1\n",
        f"print 'tea'\n{BEFORE}",
        f"try:\n    pass\nexcept ValueError, e:\n    pass\n{BEFORE}",
        f"{BEFORE}\nx = 0777\n",
    ],
)
def test_what_is_no_python_of_today_is_left(source, tmp_path):
    file = corpus.project(tmp_path, source)
    outcome = corpus.fix(tmp_path)
    assert not outcome.files
    assert file.read_text() == source


def mended(tmp_path):
    corpus.project(tmp_path, BEFORE)
    return corpus.fix(tmp_path).files[0]


def test_a_file_is_replaced_whole_and_keeps_its_permissions(tmp_path):
    file = mended(tmp_path)
    file.path.chmod(0o640)
    inode = file.path.stat().st_ino
    write(file)
    assert file.path.read_bytes() == file.after
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o640
    assert file.path.stat().st_ino != inode  # another file under its name
    assert [one.name for one in file.path.parent.iterdir() if one.name.startswith(".")] == []


def test_a_link_stays_one(tmp_path):
    file = mended(tmp_path)
    target = tmp_path / "elsewhere.py"
    file.path.rename(target)
    file.path.symlink_to(target)
    write(file)
    assert file.path.is_symlink()
    assert target.read_bytes() == file.after


def test_a_file_that_was_changed_meanwhile_is_left(tmp_path):
    file = mended(tmp_path)
    file.path.write_text("x = 1\n")
    with pytest.raises(NotWrittenError, match="was changed meanwhile"):
        write(file)
    assert file.path.read_text() == "x = 1\n"


def test_where_the_disk_is_full_the_old_file_is_still_there(tmp_path, monkeypatch):
    file = mended(tmp_path)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotWrittenError, match=r"can't be written: No space left on device"):
        write(file)
    assert file.path.read_bytes() == file.before
    assert list(file.path.parent.glob(".*")) == []


def test_a_diff_is_one_that_patch_takes(tmp_path):
    text = diff(mended(tmp_path))
    assert text.startswith("--- shop/things.py\n+++ shop/things.py\n@@ -1,8 +1,20 @@\n")
    assert "+    sync_capable = True\n" in text
    assert " class Middleware:\n" in text
