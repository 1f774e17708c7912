"""How much the embedded store holds, and what happens when it is full."""

import errno
import itertools
import os
import resource
import subprocess
import sys
import time

import pytest

from holdfast.stores import Store, StoreFull, StoreUnavailable, open_store
from tests.stores.processes import Process

MB = 2**20
SOMEBODY = 65534


def filled(store: Store, size: int, keys: int = 2**62) -> tuple[int, StoreFull]:
    """Write until it can't be written any more: how often that went well, and the error."""
    for n in itertools.count():
        try:
            store.set(b"%d" % (n % keys), b"x" * size)
        except StoreFull as error:
            return n, error
    raise AssertionError("unreachable")


def test_state_is_refused_when_it_is_full_and_can_always_be_deleted(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s", size="2MB")
    written, error = filled(store, 1000)
    written -= 1
    assert 'delete something, or give the store a larger "size"' in str(error)
    # Whole pages are counted, and a page is seldom full.
    assert 0.9 * MB < written * 1000 < 2 * MB
    # What was there is still there, and counts, locks and deletions still work.
    assert store.get(b"0") == store.get(b"%d" % written) == b"x" * 1000
    assert store.acquire(b"l", b"me", 10, timeout=0)
    assert store.release(b"l", b"me")
    for n in range(written + 1):
        assert store.delete(b"%d" % n)
    store.set(b"again", b"x" * MB)


def test_a_full_store_stays_usable_for_any_number_of_overwrites(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s", size="1MB")
    count, _ = filled(store, 1000)
    store.delete_many(b"%d" % n for n in range(50))
    for n in range(20_000):
        store.set(b"%d" % (50 + n % (count - 50)), b"y" * 1000)
    assert store.stats()["file_bytes"] <= 4 * MB + 1.5 * MB


@pytest.mark.parametrize("value", [100, 1000, 10_000, 100_000])
def test_a_cache_stays_within_its_bytes_and_never_says_that_it_is_full(tmp_path, value):
    store = open_store(f"lmdb://{tmp_path}/s", purpose="cache", size="4MB")
    for n in range(20 * MB // value if value > 100 else 60_000):
        store.set(b"%d" % n, b"x" * value, 600)
    figures = store.stats()
    assert 3.2 * MB < figures["bytes"] <= 4.2 * MB
    assert figures["file_bytes"] <= 8 * MB + 4 * MB
    assert figures["evicted"] > 0
    assert store.get(b"%d" % n) == b"x" * value


def test_values_of_any_size_find_their_room_in_a_cache(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s", purpose="cache", size="4MB")
    for n in range(3000):
        store.set(b"small%d" % n, b"x" * 1000)
    for n in range(30):
        store.set(b"large%d" % n, b"x" * MB)
        assert store.get(b"large%d" % n) == b"x" * MB
    with pytest.raises(StoreFull, match="too large for a cache"):
        store.set(b"huge", b"x" * 3 * MB)


def test_a_cache_holds_as_many_records_as_it_is_told(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s", purpose="cache", max_entries=30)
    for n in range(1, 50):
        store.set(b"cull%d" % n, b"v")
    assert sum(store.get(b"cull%d" % n) is not None for n in range(1, 50)) == 29
    none = open_store(f"lmdb://{tmp_path}/z", purpose="cache", max_entries=30, cull_frequency=0)
    for n in range(1, 50):
        none.set(b"cull%d" % n, b"v")
    assert sum(none.get(b"cull%d" % n) is not None for n in range(1, 50)) == 19


def test_the_file_grows_in_steps_that_the_disk_has_room_for(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s")
    store.set(b"k", b"v")
    file = tmp_path / "s/state-1.mdb"
    sizes = set()
    for n in range(3000):
        store.set(b"%d" % n, b"x" * 10_000)
        status = file.stat()
        sizes.add(status.st_size)
        # Not sparse: else a full disk would kill the process that writes to the map.
        assert status.st_blocks * 512 >= status.st_size
    assert sorted(sizes) == [4 * MB, 8 * MB, 16 * MB, 32 * MB, 64 * MB]


FILL = """
import sys
from holdfast.stores import StoreFull, open_store
state = open_store(sys.argv[1])
cache = open_store(sys.argv[1], purpose="cache")
cache.set(b"c", b"v")
written = 0
try:
    while written < 100_000:
        state.set(b"%d" % written, b"x" * 1000)
        written += 1
except StoreFull as error:
    print(error, file=sys.stderr)
assert 1000 < written < 100_000, written
# What was acknowledged is there; what is there can be changed and deleted.
assert all(state.get(b"%d" % n) == b"x" * 1000 for n in range(written))
state.delete_many(b"%d" % n for n in range(500))
for n in range(2000):
    state.set(b"%d" % (500 + n % 400), b"y" * 1000)
# A cache goes on in the room that it has.
for n in range(20_000):
    cache.set(b"%d" % n, b"z" * 1000)
    assert cache.get(b"%d" % n) == b"z" * 1000
print(written)
"""


def check_full(url: str, **options: object) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILL, url],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stderr
    assert "no room for the store to grow" in done.stderr
    assert int(done.stdout) > 1000


def test_a_limit_of_file_sizes_is_a_full_store_and_not_a_crash(tmp_path):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20 * MB, 20 * MB))

    check_full(f"lmdb://{tmp_path}/s", preexec_fn=limit)


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a small disk can only be mounted by root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_a_full_store_and_not_a_crash(small_disk):
    check_full(f"lmdb://{small_disk}/s")


def test_a_disk_that_is_full_at_once_is_named(small_disk):
    (small_disk / "filling").write_bytes(b"x" * 22 * MB)
    with pytest.raises(StoreFull, match="has no room for the store to grow"):
        open_store(f"lmdb://{small_disk}/s").set(b"k", b"v")
    (small_disk / "filling").unlink()
    store = open_store(f"lmdb://{small_disk}/s")
    store.set(b"k", b"v")
    assert store.get(b"k") == b"v"
    store.close()


def test_a_durable_store_on_a_full_disk_says_so(small_disk):
    store = open_store(f"lmdb://{small_disk}/s", durable=True)
    written, error = filled(store, 100_000)
    assert written > 50
    assert "has no room for the store to grow" in str(error)
    assert store.get(b"0") == b"x" * 100_000
    store.close()


def test_a_directory_that_may_not_be_written_to_is_named(tmp_path):
    place = tmp_path / "fixed"
    place.mkdir()
    if os.geteuid() == 0:
        os.chown(place, SOMEBODY, SOMEBODY)
        for directory in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
            directory.chmod(0o711)
    place.chmod(0o500)
    for path in ("", "/below"):
        with Process(
            """
            import os
            from holdfast.stores import StoreUnavailable
            if os.geteuid() == 0:
                # Root may write anywhere.
                os.setuid(int(sys.argv[2]))
            try:
                store.set(b"k", b"v")
            except StoreUnavailable as error:
                say(error)
            """,
            f"lmdb://{place}{path}",
            str(SOMEBODY),
        ) as other:
            line = other.line()
            assert str(place) in line
            assert os.strerror(errno.EACCES) in line


def test_a_damaged_file_is_named(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s")
    store.set(b"k", b"v")
    store.close()
    (tmp_path / "s/state-1.mdb").write_bytes(b"rubbish" * 10_000)
    with pytest.raises(StoreUnavailable, match=r"state-1\.mdb is damaged"):
        store.get(b"k")


def test_a_reader_that_takes_its_time_makes_a_writer_wait_and_then_say_why(tmp_path):
    url = f"lmdb://{tmp_path}/s?size=1MB"
    store = open_store(url, timeout=1)
    for n in range(300):
        store.set(b"%d" % n, b"x" * 1000)
    with Process(
        """
        def read(txn):
            txn.get(b"1")
            say("reading")
            input()

        store._read(read)
        say("done")
        """,
        url,
    ) as reader:
        assert reader.line() == "reading"
        _, error = filled(store, 1000, keys=300)
        assert "has been reading" in str(error)
        begun = time.monotonic()
        with pytest.raises(StoreFull):
            store.set(b"1", b"z" * 1000)
        assert time.monotonic() - begun < 3
        reader.go_on()
        assert reader.line() == "done"
        store.set(b"k", b"v")
