"""The directory that a store lives in: private to its user, and on this machine."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import StoreUnavailable

#: mmap and file locks mean nothing there, or not to other machines.
NETWORK_FILE_SYSTEMS = frozenset(
    {
        "9p",
        "acfs",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "fuse.ceph",
        "fuse.cephfs",
        "fuse.davfs2",
        "fuse.gcsfuse",
        "fuse.glusterfs",
        "fuse.juicefs",
        "fuse.moosefs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.seaweedfs",
        "fuse.smbnetfs",
        "fuse.sshfs",
        "fuse.vmhgfs-fuse",
        "glusterfs",
        "gfs2",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "panfs",
        "pvfs2",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
        "vmhgfs",
    }
)


def prepare(directory: Path) -> None:
    """Make the directory (0700) if there is none, and refuse one that isn't safe.

    Raises:
        StoreUnavailable: it can't be made, belongs to somebody else, can be written to by others,
        or
            lies on a network file system.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
    except OSError as error:
        raise StoreUnavailable(
            f"The store's directory {directory} can't be made: {error.strerror}. Name one that this"
            ' user may write to: "lmdb:///path/to/directory", or HOLDFAST_DIR in the environment.'
        ) from error
    if status.st_uid != os.geteuid():
        raise StoreUnavailable(
            f"The store's directory {directory} belongs to user {status.st_uid}, and this process"
            f" runs as {os.geteuid()}: whoever owns it could change all that is in it. Name another"
            " directory, or run all processes as one user."
        )
    others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if others and not status.st_mode & stat.S_ISVTX:
        raise StoreUnavailable(
            f"The store's directory {directory} can be written to by other users: chmod 700 it."
        )
    kind = file_system(directory)
    if kind in NETWORK_FILE_SYSTEMS:
        raise StoreUnavailable(
            f"The store's directory {directory} is on a network file system ({kind}), where memory"
            " maps and locks aren't shared between machines. Name a local directory; for state that"
            ' several machines share, use "redis://…".'
        )


def file_system(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """The type of the file system that *path* is on, as the kernel calls it; empty if unknown."""
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
        real = path.resolve()
    except OSError:
        return ""
    longest, kind = -1, ""
    for line in lines:
        mount, _, source = line.partition(" - ")
        # The kernel writes spaces and the like in octal.
        point = Path(_unescaped(mount.split(" ")[4]))
        # Of two mounts at one point, the later one is seen.
        if len(point.parts) >= longest and real.is_relative_to(point):
            longest, kind = len(point.parts), source.split(" ")[0]
    return kind


def _unescaped(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
