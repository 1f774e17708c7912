"""What is kept from one run to the next: never more than speed hangs on it."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest

from holdfast import cli
from holdfast.doctor import kept
from holdfast.doctor.index import ModuleIndex
from holdfast.doctor.kept import Kept, Results, default_folder

BASE = """
    from django.utils.deprecation import MiddlewareMixin

    class Base(MiddlewareMixin):
        pass
"""
CHILD = """
    from shop.base import Base

    class Child(Base):
        def process_request(self, request):
            self.user = request.user
"""


@pytest.fixture
def reread(found):
    """Runs it, and gives how many files were read again, and the codes that are told."""

    def run(*words):
        told = found("--severity", "warning", *words)
        return told["summary"]["reread"], [one["code"] for one in told["findings"]]

    return run


@pytest.fixture
def shop(project):
    project.write({"shop/__init__.py": "", "shop/base.py": BASE, "shop/middleware.py": CHILD})
    return project


@pytest.fixture
def folder():
    return default_folder()


def test_what_has_not_changed_is_not_read_again(shop, reread, found):
    first = found()
    second = found()
    assert (first["summary"]["reread"], second["summary"]["reread"]) == (3, 0)
    assert first["findings"] == second["findings"] != []
    assert first["summary"]["lines"] == second["summary"]["lines"] > 0


def test_only_what_has_changed_is_read_again(shop, reread):
    assert reread() == (3, ["S1a"])
    file = shop.root / "shop/middleware.py"
    file.write_text("# moved down\n\n" + file.read_text())
    assert reread() == (1, ["S1a"])


def test_content_counts_not_time(shop, reread):
    reread()
    for file in shop.root.rglob("*.py"):
        os.utime(file, (1, 1))
    assert reread()[0] == 0
    file = shop.root / "shop/middleware.py"
    status = file.stat()
    file.write_text(file.read_text().replace("request.user", "request.mine"))
    os.utime(file, (status.st_atime, status.st_mtime))
    assert reread()[0] == 1


def test_a_file_is_judged_again_if_another_one_changes_what_it_means(shop, reread):
    assert reread() == (3, ["S1a"])
    shop.write({"shop/base.py": "from django.views import View as Base\n"})
    assert reread() == (3, [])
    shop.write({"shop/base.py": BASE})
    assert reread() == (3, ["S1a"])


def test_files_that_come_and_go(shop, reread):
    reread()
    shop.write({"shop/other.py": CHILD.replace("Child", "Other")})
    assert reread()[1] == ["S1a", "S1a"]
    (shop.root / "shop/other.py").unlink()
    assert reread()[1] == ["S1a"]
    (shop.root / "shop/__init__.py").unlink()
    assert reread()[1] == reread("--no-cache")[1], "its module has another name now"


def test_an_installed_package_that_changes_is_noticed(project, reread, tmp_path, monkeypatch):
    site = tmp_path / "site"
    site.mkdir()
    library = site / "some_framework.py"
    library.write_text(
        "from django.utils.deprecation import MiddlewareMixin\nclass Base(MiddlewareMixin): pass\n"
    )
    monkeypatch.syspath_prepend(site)
    project.write({"shop.py": CHILD.replace("shop.base", "some_framework")})
    assert reread() == (1, ["S1a"])
    assert reread() == (0, ["S1a"])
    library.write_text("class Base: pass\n")
    assert reread() == (1, [])
    library.unlink()
    assert reread()[0] == 1


def test_what_can_not_be_parsed_is_not_tried_again(shop, found):
    shop.put("broken.py", "(")
    first, second = found(), found()
    assert second["summary"]["reread"] == 0
    assert first["problems"] == second["problems"] != []
    shop.put("other.py", "x = 1")
    assert found()["problems"] == first["problems"]


def test_asking_for_less_or_more_is_right_too(shop, reread):
    shop.put("manage.py", "")
    assert reread("shop/base.py")[1] == []
    assert reread("shop/middleware.py")[1] == ["S1a"]
    assert reread()[1] == ["S1a"]
    assert reread() == (0, ["S1a"])


def test_comments_and_selection_count_in_what_is_kept(project, found):
    project.write(
        {
            "shop.py": "seen = {}\ndef f(request):\n"
            "    seen[request.path] = 1  # holdfast: ignore[S2]\n"
        }
    )
    first, second = found(), found()
    assert second["summary"]["reread"] == 0
    assert [one["code"] for one in first["findings"]] == ["D1a"]
    assert first["findings"] == second["findings"]
    assert found("--select", "S2")["findings"] == []


def test_without_cache_nothing_is_read_or_kept(shop, reread, folder):
    reread("--no-cache")
    assert not folder.exists()
    reread()
    assert reread("--no-cache")[0] == 3


def test_it_can_be_kept_elsewhere(shop, reread, folder, tmp_path):
    reread("--cache-dir", tmp_path / "mine")
    assert not folder.exists()
    assert reread("--cache-dir", tmp_path / "mine")[0] == 0


def test_nobody_else_can_look_or_write_there(shop, reread, folder):
    reread()
    assert folder.stat().st_mode & 0o077 == 0
    assert [file.stat().st_mode & 0o077 for file in folder.iterdir()] == [0, 0]


@pytest.mark.skipif(sys.platform == "win32", reason="other rights")
def test_a_folder_that_others_may_write_to_is_not_believed(shop, reread, folder):
    reread()
    folder.chmod(0o777)
    assert reread()[0] == 3


def test_a_folder_that_can_not_be_had_is_gone_without(shop, reread, tmp_path):
    (tmp_path / "file").write_text("")
    for _ in range(2):
        assert reread("--cache-dir", tmp_path / "file" / "cache") == (3, ["S1a"])
        assert reread("--cache-dir", tmp_path / "file") == (3, ["S1a"])


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("executed",)


def sealed(data):
    return hashlib.sha256(data).digest() + data


@pytest.mark.parametrize("which", ["*", "*.found", "*.said"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:],
        lambda _: b"nonsense" * 1000,
        lambda data: data.replace(b"S1a", b"S4c"),
        lambda _: sealed(b"nonsense"),
        lambda _: sealed(pickle.dumps(42)),
        lambda _: sealed(pickle.dumps({"shop/base.py": 1})),
        lambda _: sealed(pickle.dumps(Hostile())),
        lambda _: sealed(pickle.dumps({"shop/base.py": ("x", pickle.dumps(Hostile()))})),
    ],
    ids=[
        "empty",
        "cut",
        "a bit",
        "nonsense",
        "a code",
        "sealed",
        "number",
        "shape",
        "hostile",
        "inner",
    ],
)
def test_what_is_damaged_is_ignored_and_mended(shop, reread, folder, which, damage):
    reread()
    for file in folder.glob(which):
        file.write_bytes(damage(file.read_bytes()))
    assert reread()[1] == ["S1a"]
    for file in folder.glob(which):
        file.write_bytes(damage(file.read_bytes()))
    shop.put("new.py", "x = 1")
    assert reread()[1] == ["S1a"]
    assert reread() == (0, ["S1a"])
    assert not Path("executed").exists()


def test_what_fits_in_its_stamp_and_is_hostile_is_not_executed(shop, reread, folder):
    """Whoever writes it knows all there is to know, and can't write into a private folder."""
    reread()
    (said,) = folder.glob("*.said")
    indexes = kept.records(said.read_bytes()[32:])
    hostile = {name: (stamp, pickle.dumps(Hostile())) for name, (stamp, _) in indexes.items()}
    said.write_bytes(sealed(pickle.dumps(hostile)))
    shop.put("new.py", "x = 1")
    assert reread()[1] == ["S1a"]
    assert not Path("executed").exists()


def test_only_records_of_the_doctor_are_made():
    index = ModuleIndex("./a.py", "a", False)
    assert kept.records(pickle.dumps({"a": (1, [index])})) == {"a": (1, [index])}
    for other in (Hostile(), subprocess.run, Path("x"), kept.Kept):
        with pytest.raises(pickle.UnpicklingError, match="is no record of the doctor"):
            kept.records(pickle.dumps(other))


def test_another_doctor_starts_anew(shop, reread, monkeypatch):
    reread()
    monkeypatch.setattr(kept, "engine", lambda: "another one")
    assert reread()[0] == 3
    assert reread()[0] == 0


def test_the_doctors_own_source_tells_one_from_another():
    assert len(kept.engine()) == 64
    assert kept.engine() == kept.engine()


def test_what_nobody_has_read_for_long_is_removed_first(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    now = time.time()
    for number in range(5):
        Kept(tmp_path / str(number), folder).keep(Results(facts="x" * 10_000), {})
        for file in folder.glob("*"):
            if file.stat().st_mtime > now - 100:
                os.utime(file, (now - 1000 + number, now - 1000 + number))
    monkeypatch.setattr(kept, "LARGEST_BYTES", 35_000)
    assert Kept(tmp_path / "0", folder).results() is not None
    Kept(tmp_path / "new", folder).keep(Results(facts="x" * 10_000), {})
    left = [name for name in ("0", "1", "2", "3", "4", "new")
            if Kept(tmp_path / name, folder).results()]  # fmt: skip
    assert left == ["0", "4", "new"]


def test_several_runs_at_once_find_the_same(shop, command):
    for place in range(30):
        shop.write({f"shop/middleware{place}.py": CHILD.replace("Child", f"Child{place}")})
    program = [sys.executable, "-m", "holdfast", "doctor", "--json", "--select", "S1"]
    for _ in range(2):
        running = [subprocess.Popen(program, stdout=subprocess.PIPE) for _ in range(4)]
        told = [json.loads(process.communicate()[0])["findings"] for process in running]
        assert all(one == told[0] for one in told)
        assert len(told[0]) == 31
    assert json.loads(command("--json").stdout)["summary"]["reread"] == 0


def test_a_run_that_is_killed_while_it_keeps_leaves_what_was_there(
    shop, reread, folder, monkeypatch
):
    reread()
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    shop.put("new.py", "x = 1")

    def dies(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(kept.os, "replace", dies)
    assert cli.main(["doctor"]) == 130
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
