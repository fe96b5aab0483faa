"""A collector whose disk is full says so at /-/ready, and is ready again once there is room."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ..fleet import CollectorRun, Echoes


def fill(path: Path) -> None:
    """Take what room there is."""
    with path.open("ab", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(4096))
        except OSError:
            pass


def test_ready_knows_a_full_disk(
    tmp_path: Path, free_port: Callable[[], int], eventually: Callable[..., object]
) -> None:
    echoes = Echoes(("core",), free_port())
    run = CollectorRun(tmp_path, port=free_port())
    run.write_inventory(f"core,{echoes.addresses['core']},router,centro,,echo:{echoes.port},,,0")
    run.data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(run.data)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        echoes.close()
        pytest.skip("mounting a small tmpfs needs privileges that this process does not have")
    ballast = run.data / "ballast"
    try:
        run.start()
        eventually(lambda: run.get("/-/ready") == (200, "ready\n"), 60)
        fill(ballast)
        full = (503, "not ready: the quality history cannot be written: No space left on device\n")
        eventually(lambda: run.get("/-/ready") == full, 60)
        assert run.get("/-/healthy") == (200, "healthy\n")
        ballast.unlink()
        eventually(lambda: run.get("/-/ready") == (200, "ready\n"), 60)
        assert run.stop(signal.SIGTERM) == 0
    finally:
        if run.process is not None:
            run.process.kill()
            run.process.wait()
        echoes.close()
        subprocess.run(["umount", str(run.data)], check=True)
