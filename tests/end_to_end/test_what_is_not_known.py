"""What *Now* and *Area* say when a part of the product dies under them: real processes, killed, and a real browser."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from .conftest import BAIRRO, ROOT, get

pytestmark = pytest.mark.slow
ALL_KNOWN = """() => {
  const age = document.querySelector('#now-age');
  return age && age.innerText.startsWith('● live') && !document.querySelector('#now-banners .banner');
}"""
NO_LIVE = "No live data"
NONE_OPEN = "No open incident"
POLL_SECONDS, TICK_SECONDS = 5, 5
OBEYS_MODES = ("setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search")
"""Before a command of root's: it may then read no file that its mode forbids."""


@dataclass
class World:
    """Two collectors and a dashboard over the agents of a demo; any of them may be killed and started again."""

    folder: Path
    demo: Any
    ports: dict[str, int]
    processes: Any
    running: dict[str, subprocess.Popen[Any]] = field(default_factory=dict)

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.ports['web']}"

    @property
    def database(self) -> Path:
        return self.folder / "data" / "operations.sqlite"

    def live(self, shard: int) -> Path:
        return self.folder / "data" / "live" / f"shard={shard}.parquet"

    def start(self, name: str) -> None:
        """Start ``web``, or the collector of shard ``0`` or ``1``."""
        if name == "web":
            wrap = OBEYS_MODES if os.getuid() == 0 else ()
            command = [*wrap, *BAIRRO, "serve", "--config", self.folder / "dashboard.toml"]
        else:
            command = [*BAIRRO, "collect", "--config", self.folder / "collector.toml", "--shard", f"{name}/2"]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = self.processes.start(command, stdout=log, cwd=ROOT)

    def kill(self, name: str) -> None:
        """As the kernel would: no farewell. A dashboard's workers go with it."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def devices(self) -> list[dict[str, str]]:
        with (self.folder / "devices.csv").open(newline="") as file:
            return list(csv.DictReader(file))


def _settings(demo: Any, folder: Path, ports: dict[str, int]) -> None:
    """The demo's own files, with a data folder and ports of this world's."""
    shutil.copytree(demo.folder / "data" / "records", folder / "data" / "records")
    for name in ("devices.csv", "customer.key", "collector.toml", "dashboard.toml"):
        shutil.copy(demo.folder / name, folder / name)
    for name, old, new in (
        ("collector.toml", demo.ports["metrics-port"], ports["metrics"]),
        ("dashboard.toml", demo.ports["port"], ports["web"]),
    ):
        text = (folder / name).read_text().replace(f"port = {old}", f"port = {new}")
        (folder / name).write_text(text)


@pytest.fixture(scope="module")
def world(demo, module_processes, free_port, eventually, tmp_path_factory) -> Iterator[World]:
    """Everything up and known."""
    folder = tmp_path_factory.mktemp("world")
    ports = {"metrics": _two_ports(free_port), "web": free_port()}
    _settings(demo, folder, ports)
    made = World(folder, demo, ports, module_processes)
    made.start("0")
    eventually(made.database.exists, 30)
    made.start("1")
    made.start("web")
    eventually(lambda: made.live(0).exists() and made.live(1).exists() and bool(get(f"{made.web}/-/healthy")), 60)
    yield made
    demo.inject([])
    for name in list(made.running):
        made.kill(name)


def _two_ports(free_port: Callable[[], int]) -> int:
    """A port whose follower is free too: shard 1 listens there."""
    while True:
        first = free_port()
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", first + 1))
            return first


@pytest.fixture
def page(world: World, browser: Any, eventually: Callable[..., Any]) -> Iterator[Any]:
    """*Now* with everything known; what an earlier test left dead is started first."""
    for name in {"0", "1", "web"} - world.running.keys():
        world.start(name)
    eventually(lambda: get(f"{world.web}/-/healthy"), 60)
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    opened = context.new_page()
    opened.goto(world.web + "/")
    opened.wait_for_function(ALL_KNOWN, polling=200, timeout=60_000)
    yield opened
    context.close()


def numbers(page: Any) -> dict[str, int]:
    """The tiles: what is counted -> how many, where it is a number."""
    tiles = page.locator("#now-tiles .tile").all_inner_texts()
    found = {}
    for text in tiles:
        value, what = text.split("\n")[:2]
        if value.replace(",", "").isdecimal():
            found[what.strip("■◆▲▼○?● ")] = int(value.replace(",", ""))
    return found


def said(page: Any) -> str:
    return str(page.locator("#now-banners").inner_text())


def test_a_killed_collector_is_named_and_its_devices_are_unknown(world, page, artifacts):
    page.evaluate("window.notReloaded = true")
    world.kill("1")
    began = time.monotonic()
    page.locator("#now-banners .banner.alarm", has_text="Collector shard 1").wait_for(timeout=30_000)
    took = time.monotonic() - began
    assert took < 2 * POLL_SECONDS + TICK_SECONDS, "two intervals, and one of the page's own for a machine that is busy"
    page.locator("#now-age", has_text="shard 1").wait_for(timeout=5_000)
    shown = numbers(page)
    assert "has not reported since" in said(page)
    assert f"Its {shown['Unknown']} devices with" in said(page)
    assert "bairro collect --shard 1/2" in said(page)
    assert 0 < shown["Unknown"] < len(world.devices())
    assert "not known" in page.locator("#now-tiles").inner_text()
    page.locator("#now-devices .ag-row", has_text="collector shard 1 silent").first.wait_for(timeout=15_000)
    assert NONE_OPEN not in page.locator("#now-incidents").inner_text()
    page.screenshot(path=artifacts / "unknown-shard.png")
    dark = page.locator("#now-devices .ag-row", has_text="collector shard 1 silent").first
    other = page.context.new_page()
    link = dark.locator("a[href^='/area/']").first  # beside it stands one to the device's own page
    other.goto(f"{world.web}{link.get_attribute('href')}")
    other.locator("#area-now .banner", has_text="Collector shard 1").wait_for(timeout=20_000)
    assert "unknown" in other.locator("#area-now .legend").inner_text()
    other.locator("#area-age", has_text="shard 1").wait_for(timeout=5_000)
    world.start("1")
    other.locator("#area-now .banner").wait_for(state="detached", timeout=30_000)
    other.locator("#area-age", has_text="live").wait_for(timeout=10_000)
    page.wait_for_function(ALL_KNOWN, polling=200, timeout=30_000)
    assert page.evaluate("window.notReloaded")


NOTE_THE_LOSS = """() => {
  window.lostAt = null;
  const look = () => { if (document.documentElement.dataset.connection === 'lost') window.lostAt = window.lostAt || Date.now(); };
  new MutationObserver(look).observe(document.documentElement, {attributes: true});
}"""


def _seconds_until_told(page: Any, since: float) -> float:
    """How long after ``since`` (Unix seconds) the page said that it hears nothing."""
    page.wait_for_function("() => window.lostAt", polling=200, timeout=30_000)
    assert "lost its connection" in page.locator("#connection").inner_text()
    return float(page.evaluate("window.lostAt")) / 1000 - since


def _promised() -> float:
    """Ten seconds; thirty where more wants to run than there are processors for, since the browser is then late itself."""
    return 10 if os.getloadavg()[0] <= 2 * (os.cpu_count() or 1) else 30


def _age_goes_on(page: Any) -> None:
    """The age counts on by itself, and says that nothing new comes."""
    page.locator("#now-age", has_text="▲ not renewed").wait_for(timeout=10_000)
    first = page.locator("#now-age").inner_text()
    changed = "before => document.querySelector('#now-age').innerText !== before"
    page.wait_for_function(changed, arg=first, polling=200, timeout=10_000)


def test_a_dashboard_that_is_killed_or_hangs_is_said_within_ten_seconds(world, page, artifacts):
    page.evaluate(NOTE_THE_LOSS)
    began = time.time()
    world.kill("web")
    assert _seconds_until_told(page, began) < _promised()
    _age_goes_on(page)
    page.screenshot(path=artifacts / "unknown-server.png")
    world.start("web")
    page.wait_for_function("() => !document.documentElement.dataset.connection", polling=200, timeout=60_000)
    page.wait_for_function(ALL_KNOWN, polling=200, timeout=60_000)

    page.evaluate(NOTE_THE_LOSS)
    began = time.time()
    os.killpg(world.running["web"].pid, signal.SIGSTOP)
    try:
        assert _seconds_until_told(page, began) < _promised()
        _age_goes_on(page)
    finally:
        os.killpg(world.running["web"].pid, signal.SIGCONT)
    page.wait_for_function(ALL_KNOWN, polling=200, timeout=60_000)


def test_card_tiles_and_table_never_disagree_while_an_outage_comes_and_goes(world, page):
    """Every renewal of the page is caught, from before the outage until after it."""
    node = next(row for row in reversed(world.devices()) if row["role"] in {"olt", "cmts", "ap", "switch"})["device_id"]
    page.evaluate(
        """() => {
          window.caught = [];
          const look = () => window.caught.push([
            document.querySelectorAll('#now-incidents .incident:not(.kind-degradation)').length,
            document.querySelectorAll('#now-tiles .tile strong')[1].innerText,
            document.querySelector('#now-incidents').innerText]);
          new MutationObserver(look).observe(document.querySelector('.page.now'), {subtree: true, childList: true, characterData: true});
        }"""
    )
    world.demo.inject([{"device": node, "kind": "outage"}])
    card = page.locator("#now-incidents .incident", has_text=node)
    card.wait_for(timeout=90_000)
    started = card.locator(".since span").inner_text().removeprefix("since ")
    page.locator("#now-devices .ag-row", has_text=node).first.wait_for(timeout=10_000)
    row = page.evaluate("n => window.dash_ag_grid.getApi('now-devices').getRowNode(n).data", node)
    assert (row["state"], row["since"]) == ("down", started)
    world.kill("0")
    world.kill("1")
    world.start("0")
    world.start("1")
    page.wait_for_function(
        "n => (window.dash_ag_grid.getApi('now-devices').getRowNode(n) || {data: {}}).data.state === 'down'"
        " && document.querySelector('#now-age').innerText.startsWith('● live')",
        arg=node,
        timeout=60_000,
    )
    assert (
        page.locator("#now-incidents .incident", has_text=node).locator(".since span").inner_text()
        == f"since {started}"
    )
    assert page.evaluate("n => window.dash_ag_grid.getApi('now-devices').getRowNode(n).data.since", node) == started
    world.demo.inject([])
    card.wait_for(state="detached", timeout=90_000)
    caught = page.evaluate("window.caught")
    assert len(caught) > 3
    for cards, affected, text in caught:
        assert not (cards and affected == "0" and not re.search("answers? now|not known", text)), (affected, text)
        assert not (affected not in {"0", "?"} and NONE_OPEN in text), (affected, text)


def test_a_database_that_is_missing_locked_replaced_or_newer_is_an_alarm(world, page, artifacts):
    incidents = page.locator("#now-incidents")
    alarm = page.locator("#now-banners .banner.alarm")
    copy = world.folder / "copy.sqlite"
    with contextlib.closing(sqlite3.connect(world.database)) as old, contextlib.closing(sqlite3.connect(copy)) as new:
        old.backup(new)
        new.execute("PRAGMA journal_mode = DELETE")
    _move(world.database, world.folder / "away.sqlite")
    try:
        alarm.filter(has_text="There is no operations database at").wait_for(timeout=15_000)
        assert NONE_OPEN not in incidents.inner_text()
        assert "the incidents cannot be read" in incidents.inner_text()
        page.screenshot(path=artifacts / "unknown-database.png")

        with contextlib.closing(sqlite3.connect(copy)) as other:
            _open_incident(other)
        shutil.copy(copy, world.database)
        incidents.locator(".incident", has_text="of-another-file").wait_for(timeout=15_000)

        # Held before it stands there: the collectors, which follow the file, would let readers in beside a writer.
        held = world.folder / "held.sqlite"
        shutil.copy(copy, held)
        with contextlib.closing(sqlite3.connect(held, isolation_level=None)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            _move(held, world.database)
            alarm.filter(has_text="is locked").wait_for(timeout=20_000)
            assert NONE_OPEN not in incidents.inner_text()
            holder.execute("ROLLBACK")
        alarm.filter(has_text="is locked").wait_for(state="detached", timeout=20_000)

        with contextlib.closing(sqlite3.connect(world.database)) as other:
            other.execute("UPDATE alembic_version SET version_num = '9999'")
            other.commit()
        alarm.filter(has_text="has schema 9999, which this dashboard does not know").wait_for(timeout=15_000)
        assert NONE_OPEN not in incidents.inner_text()
    finally:
        _move(world.folder / "away.sqlite", world.database)
    page.wait_for_function(ALL_KNOWN, polling=200, timeout=30_000)


def _move(file: Path, to: Path) -> None:
    """A database with its log: a log left behind would be taken for that of the next file."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{to}{suffix}").unlink(missing_ok=True)
        if Path(f"{file}{suffix}").exists():
            Path(f"{file}{suffix}").rename(f"{to}{suffix}")


def _open_incident(database: sqlite3.Connection) -> None:
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
    database.execute(
        "INSERT INTO incidents (incident_id, root_device_id, scope, area, kind, started_at, detected_by,"
        " devices_affected, subscribers_affected, customer_minutes_lost)"
        " VALUES ('x', 'of-another-file', 'device', 'x', 'outage', ?, '7', 1, 5, 0)",
        (now,),
    )
    database.commit()


def test_a_live_table_that_cannot_be_read_is_an_alarm_and_no_beginning(world, page, artifacts):
    alarm = page.locator("#now-banners .banner.alarm")
    world.kill("1")
    whole = world.live(1).read_bytes()
    world.live(1).write_bytes(whole[: len(whole) // 2])
    alarm.filter(has_text="The live table cannot be read: shard=1.parquet (").wait_for(timeout=15_000)
    assert NO_LIVE not in page.content()
    assert numbers(page)["Unknown"] > 0
    assert NONE_OPEN not in page.locator("#now-incidents").inner_text()
    world.live(1).write_bytes(whole)
    world.live(1).chmod(0)
    alarm.filter(has_text="permission denied").wait_for(timeout=15_000)
    page.screenshot(path=artifacts / "unknown-live-table.png")
    fresh = page.context.new_page()
    world.live(0).parent.chmod(0)
    try:
        fresh.goto(world.web + "/")
        fresh.locator("#now-banners .banner.alarm", has_text="The folder of the live tables").wait_for(timeout=15_000)
        assert NO_LIVE not in fresh.content()
    finally:
        world.live(0).parent.chmod(0o755)
    world.start("1")
    page.wait_for_function(ALL_KNOWN, polling=200, timeout=40_000)
