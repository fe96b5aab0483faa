"""Locks between real processes: who holds one is told, and the end of a process, of whatever kind, gives it back."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from collector import file_lock

ROOT = Path(__file__).parents[2]
HOLD = """
import pathlib, subprocess, sys, time
from collector import file_lock as locked
with locked.alone(pathlib.Path(sys.argv[1]), what="a test", at=1_700_000_000.0):
    if len(sys.argv) > 2:
        print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
    print("held", flush=True)
    time.sleep(60)
"""


def holding(path: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(path), *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_the_second_is_told_who_holds_it_and_a_kill_gives_it_back(tmp_path):
    path = tmp_path / "new" / "lock"
    with holding(path) as other:
        assert other.stdout.readline() == "held\n"
        words = rf"a test, process {other.pid} on {os.uname().nodename}, since 2023-11-14 22:13:20 UTC$"
        with pytest.raises(file_lock.HeldError, match=words), file_lock.alone(path, what="another", at=0.0):
            pass
        with pytest.raises(TimeoutError, match="lock"), file_lock.in_turn(path, seconds=0.1):
            pass
        other.send_signal(signal.SIGKILL)
        other.wait(20)
    with file_lock.alone(path, what="another", at=0.0):
        assert path.read_text().startswith(f"another, process {os.getpid()} on ")
    with file_lock.in_turn(path, seconds=0.0):
        pass


def test_a_child_of_a_killed_holder_does_not_keep_it(tmp_path):
    with holding(tmp_path / "lock", "with a child") as other:
        child = int(other.stdout.readline())
        assert other.stdout.readline() == "held\n"
        other.kill()
        other.wait(20)
    try:
        with file_lock.alone(tmp_path / "lock", what="another", at=0.0):
            os.kill(child, 0)
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_holder_that_says_nothing_of_itself(tmp_path):
    path = tmp_path / "lock"
    with path.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with (
            pytest.raises(file_lock.HeldError, match="has not said who it is"),
            file_lock.alone(path, what="us", at=0.0),
        ):
            pass


MOUNTS = """\
overlay / overlay rw,relatime 0 0
filer:/a /srv/nfs nfs4 rw,vers=4.2,local_lock=none 0 0
filer:/b /srv/nfs/alone nfs rw,vers=3,local_lock=flock 0 0
bucket /srv/my\\040bucket fuse.s3fs rw 0 0
host /srv/shared 9p rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("folder", "word"),
    [
        ("/srv", None),
        ("/srv/nfs/data", None),
        ("/srv/nfs/alone/data", "nfs: it was mounted without locks between hosts .*"),
        ("/srv/my bucket", "fuse.s3fs: .* not known"),
        ("/srv/shared/data", "9p: .* one host"),
    ],
)
def test_where_a_lock_may_hold_on_one_host_alone(tmp_path, folder, word):
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    doubt = file_lock.doubt(Path(folder), mounts)
    assert doubt is None if word is None else re.fullmatch(word, doubt or "")


def test_without_a_list_of_mounts_nothing_is_said(tmp_path):
    assert file_lock.doubt(tmp_path, tmp_path / "none") is None
