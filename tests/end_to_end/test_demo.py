"""The demo as a user meets it: pages and metrics answer, the world moves, the history and the incidents are written."""

from __future__ import annotations

import contextlib
import json
import stat
import subprocess
import urllib.request

import pytest

pytestmark = pytest.mark.slow


def ask(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def test_it_says_where_to_look(demo):
    said = demo.output.read_text()
    for address in (f"{demo.web}/", f"{demo.web}/areas", f"{demo.metrics}/metrics", str(demo.folder)):
        assert address in said
    assert "Traceback" not in said


@pytest.mark.parametrize("path", ["/", "/areas", "/-/healthy"])
def test_pages_answer(demo, path):
    assert ask(demo.web + path)


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready"])
def test_the_collector_answers(demo, path, eventually):
    assert eventually(lambda: ask(demo.metrics + path))


def test_metrics_are_clean(demo, require_program):
    checked = subprocess.run(
        [require_program("promtool"), "check", "metrics"],
        input=ask(f"{demo.metrics}/metrics"), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


@pytest.fixture
def without_scenes(demo):
    """The demo without outages of its own, which may strike a third of its few devices."""
    demo.inject([], has_scenes=False)
    yield
    demo.inject([])


def test_every_device_of_the_inventory_is_polled_and_most_are_up(demo, eventually, without_scenes):
    count = len((demo.folder / "devices.csv").read_text().splitlines()) - 1
    eventually(lambda: len(demo.samples("bairro_device_last_poll_timestamp_seconds")) >= 0.9 * count, 180)
    eventually(lambda: sum(demo.samples("bairro_device_up").values()) >= 0.8 * count, 90)
    assert demo.samples("bairro_collector_blind") == {"": 0.0}


def test_counters_advance(demo, eventually, without_scenes):
    first = demo.samples("bairro_interface_receive_bytes_total")

    def moved() -> bool:
        now = demo.samples("bairro_interface_receive_bytes_total")
        return sum(now[labels] > value for labels, value in first.items() if labels in now) > 0.8 * len(first)

    eventually(moved, 60)


def test_a_probe_asks_one_device_at_once_and_refuses_strangers(demo):
    device = (demo.folder / "devices.csv").read_text().splitlines()[1].split(",")[0]
    assert f'device="{device}"' in ask(f"{demo.metrics}/probe?target={device}")
    with pytest.raises(urllib.error.HTTPError, match="40"):
        ask(f"{demo.metrics}/probe?target=192.0.2.1")


def test_the_analysis_is_built(built_demo, eventually):
    newest = max((built_demo.folder / "data" / "results").glob("*/manifest.json"))
    assert json.loads(newest.read_text())
    eventually(lambda: "build done" in built_demo.output.read_text())


def test_nobody_else_can_read_what_it_wrote(built_demo):
    wrong, kinds = {}, set()
    for path in [built_demo.folder, *built_demo.folder.rglob("*")]:
        with contextlib.suppress(FileNotFoundError):  # replaced meanwhile
            mode = stat.S_IMODE(path.stat().st_mode)
            kinds.add(path.parent.name)
            if mode != (0o700 if path.is_dir() else 0o600) and path.name != "faults.json":  # the test's own
                wrong[path] = f"{mode:o}"
    assert wrong == {}
    assert kinds >= {"data", "journal", "live", "logs", "quality", "records", "results"}


def test_a_report_is_written_with_the_pages_numbers(built_demo, bairro, tmp_path):
    import pyarrow.parquet as pq

    newest = max((built_demo.folder / "data" / "results").glob("*/manifest.json")).parent
    area = pq.read_table(newest / "ranking.parquet").to_pylist()[0]["area"]
    config = built_demo.folder / "dashboard.toml"
    done = bairro("report", "--config", config, "--area", area, "--out", tmp_path, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    html, pdf = (next(tmp_path.glob(f"*.{kind}")) for kind in ("html", "pdf"))
    assert pdf.read_bytes().startswith(b"%PDF")
    assert "http" not in html.read_text().replace("http://www.w3.org/", ""), "the report stands alone"
