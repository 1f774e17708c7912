"""Which engine a URL names, and where the embedded store is by default."""

import os
import sys
from pathlib import Path

import pytest

from holdfast.stores import StoreError, StoreUnavailable, open_store
from holdfast.stores.lmdb import directory
from holdfast.stores.location import default_directory, parse


@pytest.mark.parametrize(
    ("url", "engine"),
    [
        ("lmdb:///var/lib/shop", "lmdb"),
        ("lmdb://", "lmdb"),
        ("redis://localhost:6379/1", "redis"),
        ("rediss://:secret@host/0", "redis"),
        ("valkey://host", "redis"),
        ("valkey+sentinel://a,b/shop", "redis"),
        ("valkey+cluster://a,b", "redis"),
        ("redis+sentinel://a:1,b:2/main/0", "redis"),
        ("redis+cluster://a,b", "redis"),
        ("unix:///run/redis.sock?db=2", "redis"),
        ("memcached://a,b:11212", "memcached"),
        ("memory://", "memory"),
        ("LMDB:///x", "lmdb"),
    ],
)
def test_a_url_names_its_engine(url, engine):
    assert parse(url).engine == engine


def test_a_url_is_taken_apart():
    location = parse("lmdb:///var/lib/my%20shop?durable=1&size=2GB")
    assert location.path == "/var/lib/my shop"
    assert location.options == {"durable": "1", "size": "2GB"}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("rediss+sentinal://a", 'Did you mean "rediss+sentinel://"?'),
        ("memcache://a", 'Did you mean "memcached://"?'),
        ("ldmb:///x", 'Did you mean "lmdb://"?'),
        ("postgres://x", "There are: lmdb://"),
        ("/var/lib/shop", '"lmdb:///var/lib/shop"'),
        ("redis:localhost", "lacks the slashes"),
        ("nonsense", "is no URL of a store"),
        ("", "is no URL of a store"),
        ("lmdb://var/lib/shop", '"lmdb:///var/lib/shop"'),
    ],
)
def test_a_url_that_makes_no_sense_is_refused_with_what_to_write(url, words):
    with pytest.raises(StoreError) as caught:
        open_store(url)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_password_is_shown():
    with pytest.raises(StoreError) as caught:
        open_store("redis:user:secret@host")
    assert "secret" not in str(caught.value)


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(StoreError, match=r"pip install 'holdfast\[lmdb\]'"):
        open_store("lmdb://")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sise": 3}, "no option of the embedded store"),
        ({"size": "many"}, "must be a number of bytes"),
        ({"durable": "maybe"}, "true or false"),
        ({"log_limit": -1}, "whole number"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(tmp_path, options, words):
    with pytest.raises(StoreError, match=words):
        open_store(f"lmdb://{tmp_path}", **options)


@pytest.fixture
def homeless(monkeypatch, tmp_path):
    for variable in ("HOLDFAST_DIR", "XDG_STATE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    return monkeypatch


def test_each_project_has_a_directory_of_its_own(homeless, tmp_path):
    homeless.setenv("HOLDFAST_DIR", str(tmp_path))
    one, other = default_directory("/srv/one/shop"), default_directory("/srv/other/shop")
    assert one != other
    assert one.parent == other.parent == tmp_path
    assert one.name.startswith("shop-")
    assert one == default_directory(Path("/srv/one/shop/"))
    assert default_directory("/srv/ü b/").name.startswith("b-")
    assert default_directory("/").name.startswith("project-")


def test_the_directory_is_where_state_belongs(homeless, tmp_path):
    user = os.geteuid()
    assert default_directory("/srv/shop").parent.name == f"holdfast-{user}"
    homeless.setenv("HOME", str(tmp_path))
    assert default_directory("/srv/shop").parent == tmp_path / ".local/state/holdfast"
    homeless.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert default_directory("/srv/shop").parent == tmp_path / "xdg/holdfast"
    homeless.setenv("HOLDFAST_DIR", str(tmp_path / "given"))
    assert default_directory("/srv/shop").parent == tmp_path / "given"


def test_without_a_path_the_store_is_the_projects(homeless, tmp_path):
    homeless.setenv("HOLDFAST_DIR", str(tmp_path))
    store = open_store("lmdb://", project="/srv/shop")
    assert store.url == f"lmdb://{default_directory('/srv/shop')}"
    store.set(b"k", b"v")
    assert open_store("lmdb://", project="/srv/shop").get(b"k") == b"v"
    assert open_store("lmdb://", project="/srv/other").get(b"k") is None


def test_all_that_is_made_is_private(tmp_path):
    previous = os.umask(0)
    try:
        store = open_store(f"lmdb://{tmp_path}/new/store")
        store.acquire(b"l", b"me", 10)
        open_store(f"lmdb://{tmp_path}/new/store", purpose="cache").set(b"k", b"v")
    finally:
        os.umask(previous)
    place = tmp_path / "new/store"
    assert place.stat().st_mode & 0o777 == 0o700
    made = list(place.rglob("*"))
    assert len(made) > 5
    assert not [path for path in made if path.stat().st_mode & 0o077]


def test_a_directory_that_others_may_write_to_is_refused(tmp_path):
    place = tmp_path / "open"
    place.mkdir()
    place.chmod(0o770)
    with pytest.raises(StoreUnavailable, match="chmod 700"):
        open_store(f"lmdb://{place}").get(b"k")
    place.chmod(0o1777)
    assert open_store(f"lmdb://{place}").get(b"k") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_somebody_elses_directory_is_refused(tmp_path):
    place = tmp_path / "theirs"
    place.mkdir()
    os.chown(place, 12345, 12345)
    with pytest.raises(StoreUnavailable, match="belongs to user 12345"):
        open_store(f"lmdb://{place}").get(b"k")


MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:30 / /srv/nfs rw - nfs4 server:/export rw
31 22 0:31 / /srv/with\\040space rw - cifs //server/share rw
32 30 254:1 / /srv/nfs/local rw - ext4 /dev/vdb rw
33 22 0:33 / /srv/ssh rw,user_id=0 - fuse.sshfs user@host: rw
34 22 0:34 / /srv/over rw - ext4 /dev/vdc rw
35 22 0:35 / /srv/over rw - 9p share rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv", "ext4"),
        ("/srv/nfs/state", "nfs4"),
        ("/srv/nfsother", "ext4"),
        ("/srv/nfs/local/state", "ext4"),
        ("/srv/with space/state", "cifs"),
        ("/srv/ssh", "fuse.sshfs"),
        ("/srv/over/x", "9p"),
    ],
)
def test_the_file_system_is_the_one_that_is_seen_there(tmp_path, path, kind):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert directory.file_system(Path(path), mounts) == kind


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "fuse.sshfs", "ceph", "glusterfs"])
def test_a_network_file_system_is_refused(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(directory, "file_system", lambda _: kind)
    with pytest.raises(StoreUnavailable, match="redis://"):
        open_store(f"lmdb://{tmp_path}/s").set(b"k", b"v")
