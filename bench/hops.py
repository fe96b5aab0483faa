"""Counts the files that a value passes, by running three walks and noting whose functions ran: ``python -m bench.hops``.

``--checkout FOLDER`` runs the walks on another checkout, an older one too: only what has always been there is called.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

HERE = Path(__file__).parents[1]
FOLDER = HERE / "tests" / "data" / "folders" / "0.1"
POLLS_BEFORE = 3
COLLECTOR = """inventory = "devices.csv"
data = "data"
[poll]
interval_seconds = 300
[web]
port = 0
[[credentials]]
name = "public"
version = "2c"
community = "public"
"""


def main() -> int:
    """Run the walks in this process; each prints how many files it passed, and which."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkout", type=Path, default=HERE)
    root = parser.parse_args().checkout.resolve()
    sys.path[:] = [str(root), *(path for path in sys.path if Path(path).resolve() != HERE)]
    for name, walk in (("varbind to metric", varbind), ("complaint to rank", complaint), ("click to figure", click)):
        passed = Passed(root)
        with tempfile.TemporaryDirectory() as folder:
            walk(Path(folder), passed)
        print(f"{name}: {len(passed.files)} files")
        print("".join(f"  {file}\n" for file in passed.files), end="")
    return 0


class Passed:
    """The files under ``root`` in which a function ran, in the order in which they were first passed."""

    def __init__(self, root: Path) -> None:
        self._root = f"{root}/"
        self._packages = tuple(f"{root}/{name}" for name in ("bairro.py", "collector/", "dashboard/"))
        self.files: dict[str, None] = {}

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(self._packages) and code.co_name != "<module>":
            self.files.setdefault(code.co_filename.removeprefix(self._root))

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Note what runs inside, in every thread that begins there."""
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)


def varbind(folder: Path, passed: Passed) -> None:
    """A device that the collector knows already is polled once more, and /metrics is read."""
    with _agent(folder) as port:
        (folder / "collector.toml").write_text(COLLECTOR)
        row = f"core,127.0.0.1:{port},router,centro,off,public\n"
        (folder / "devices.csv").write_text(f"device_id,address,role,area,ping,credential\n{row}")
        asyncio.run(_polled(folder, passed))


async def _polled(folder: Path, passed: Passed) -> None:
    for name in ("collector.loop.service", "collector.service", "collector.cycle"):
        with contextlib.suppress(ModuleNotFoundError):
            service = import_module(name)
    collector = service.Collector(import_module("collector.config").load(folder / "collector.toml"))
    await collector.open()
    try:
        probe = collector._polls.probe if hasattr(collector, "_polls") else collector._probe
        for _ in range(POLLS_BEFORE):
            await probe("core")
        with passed.noted():
            reading = await probe("core")
            text = await _get(collector._web.port, "/metrics")
        assert reading.interfaces
        assert b"bairro_interface_receive_bytes_total{" in text
    finally:
        await collector.close()


async def _get(port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    text = await reader.read()
    writer.close()
    return text


@contextlib.contextmanager
def _agent(folder: Path) -> Iterator[int]:
    """A real snmpd on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    (folder / "snmpd.conf").write_text(f"agentaddress udp:127.0.0.1:{port}\nrocommunity public\n")
    command = ["snmpd", "-f", "-Lf", str(folder / "snmpd.log"), "-C", "-c", str(folder / "snmpd.conf"), "-I", "-smux"]
    with subprocess.Popen([*command, "-p", str(folder / "pid")]) as process:
        time.sleep(1.0)
        yield port
        process.terminate()


def complaint(folder: Path, passed: Passed) -> None:
    """A complaint more is imported into records that are there, and everything is built."""
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
    (folder / "more.csv").write_text(
        "complaint_id,area,opened_at,category\nhops-1,alto-da-sereia,2026-06-01 10:00,slow\n"
    )
    main_: Callable[[list[str]], int] = import_module("bairro").main
    config = ["--config", str(folder / "dashboard.toml")]
    with passed.noted(), contextlib.redirect_stdout(sys.stderr):
        main_(["import", "complaints", str(folder / "more.csv"), *config])
        assert main_(["build", *config]) in (0, 1)  # 1: stored, beside warnings


def click(folder: Path, passed: Passed) -> None:
    """*Area*'s span is clicked a second time, as the browser would."""
    sample = import_module("tests.dashboard.sample")
    client = import_module("dashboard.app").create_app(sample.make(folder)).server.test_client()
    output = "area-weeks.figure"
    asked = next(each for each in client.get("/_dash-dependencies").get_json() if each["output"] == output)
    given = {"area-span": "52", "theme": "light", "area-key": "n03"}
    body = {
        "output": output,
        "outputs": {"id": "area-weeks", "property": "figure"},
        "changedPropIds": ["area-span.value"],
        "inputs": [{**each, "value": given[each["id"]]} for each in asked["inputs"]],
        "state": [{**each, "value": given[each["id"]]} for each in asked["state"]],
    }
    client.post("/_dash-update-component", json=body)
    with passed.noted():
        answer = client.post("/_dash-update-component", json=body)
    assert json.loads(answer.data)["response"]["area-weeks"]["figure"]["data"]


if __name__ == "__main__":
    sys.exit(main())
