"""What the processes of a watched server write, and what is read of it."""

import os
from pathlib import Path

import pytest

from holdfast.watch.crossings import Access, Crossing, Kind
from holdfast.watch.reports import Reports, Seen, read, seen

LEAK = Crossing(
    Kind.LEAK, "shop.Cart", "user", "'ä'", Access("request 2", ()), Access("request 1", ())
)


def test_all_processes_are_read_together(tmp_path: Path):
    assert seen(tmp_path) == Seen(aboard=False, requests=0, modules=0, unreported=False)
    assert list(read(tmp_path)) == []
    one, two = Reports(tmp_path), Reports(tmp_path)
    one.tell(LEAK)
    two.tell(LEAK)
    for reports in (one, two, two):
        reports.count_request()
    two.count_module()
    assert [found["place"] for found in read(tmp_path)] == ["shop.Cart.user"] * 2
    assert seen(tmp_path) == Seen(aboard=True, requests=3, modules=1, unreported=False)


def test_what_was_forked_reports_where_its_folder_is_closed_to_it_by_now(tmp_path: Path):
    folder = tmp_path / "reports"
    folder.mkdir()
    reports = Reports(folder)
    folder.rename(tmp_path / "elsewhere")
    child = os.fork()
    if child == 0:
        reports.tell(LEAK)
        reports.count_request()
        os._exit(0)
    os.waitpid(child, 0)
    assert len(list(read(tmp_path / "elsewhere"))) == 1
    assert seen(tmp_path / "elsewhere").requests == 1


def test_what_can_not_be_written_is_said_and_raises_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("holdfast.watch.trouble._said", set())
    reports = Reports(tmp_path)

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.write", full)
        reports.tell(LEAK)
        reports.tell(LEAK)
    assert capfd.readouterr().err.count("can't be reported") == 1
    assert seen(tmp_path).unreported
    assert not list(read(tmp_path))


def test_a_line_that_was_cut_off_hides_no_other(tmp_path: Path):
    reports = Reports(tmp_path)
    (tmp_path / "crossings.jsonl").write_text('{"kind": "le\n')
    reports.tell(LEAK)
    assert [found["kind"] for found in read(tmp_path)] == ["leak"]


def test_nothing_is_written_into_a_file_that_has_got_the_number_of_ours(tmp_path: Path):
    reports = Reports(tmp_path)
    ours = [
        number
        for number in range(3, 256)
        if os.path.exists(link := f"/proc/self/fd/{number}")  # noqa: PTH110
        and os.readlink(link).startswith(str(tmp_path))  # noqa: PTH115
    ]
    if not ours:
        pytest.skip("no /proc here")
    with (tmp_path / "the users own").open("wb") as other:
        for number in ours:
            os.dup2(other.fileno(), number)
        reports.tell(LEAK)
        reports.count_request()
        for number in ours:
            os.close(number)
    assert (tmp_path / "the users own").read_bytes() == b""
