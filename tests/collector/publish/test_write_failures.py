"""A disk that is full for hours is told once, and so is its end."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from collector.publish.write_failures import WriteFailures


def fail(failures: WriteFailures, what: str, number: int) -> None:
    with failures.noting(what):
        raise OSError(number, os.strerror(number))


def test_a_full_disk_is_told_once_and_counted_each_time(caplog: pytest.LogCaptureFixture) -> None:
    failures = WriteFailures()
    for _ in range(500):
        fail(failures, "live", errno.ENOSPC)
    assert failures.counts == {"live": 500}
    assert [record.getMessage() for record in caplog.records] == [
        "the live table cannot be written: No space left on device; it is tried again until it can be"
    ]


def test_another_cause_another_table_and_the_end_are_news(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    failures = WriteFailures()
    for number in (errno.ENOSPC, errno.EACCES):
        fail(failures, "live", number)
    fail(failures, "devices", errno.ENOSPC)
    for _ in range(3):
        with failures.noting("live"):
            (tmp_path / "live").write_text("whole")
    assert [record.getMessage().split(";")[0] for record in caplog.records] == [
        "the live table cannot be written: No space left on device",
        "the live table cannot be written: Permission denied",
        "the devices table cannot be written: No space left on device",
        "the live table is written again",
    ]


def test_what_is_no_failure_of_a_write_goes_on() -> None:
    with pytest.raises(ValueError, match="a bug"), WriteFailures().noting("live"):
        raise ValueError("a bug")
