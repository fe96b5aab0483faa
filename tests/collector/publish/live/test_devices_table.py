"""devices.parquet: the inventory through time, a row closed where something changed."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from collector.publish.live import device_spans as device_table
from collector.publish.quarantine import Aside
from collector.published import DEVICES

from ..readings import CPE
from ..recorder import AP


def held(path: Path) -> list[tuple[str, float, float | None, str]]:
    table = pq.ParquetFile(path).read()
    assert table.schema.equals(DEVICES.arrow_schema())
    stamp = [(r["valid_from"].timestamp(), r["valid_to"] and r["valid_to"].timestamp()) for r in table.to_pylist()]
    return [(r["device_id"], *s, r["area"]) for r, s in zip(table.to_pylist(), stamp, strict=True)]


def test_devices_through_time(tmp_path: Path) -> None:
    path = tmp_path / "devices.parquet"
    assert device_table.update(path, [CPE, AP], 100.0)
    assert not device_table.update(path, [AP, CPE], 200.0)
    assert device_table.update(path, [replace(CPE, area="norte")], 300.0)
    assert device_table.update(path, [replace(CPE, area="norte"), AP], 400.0)
    assert held(path) == [
        ("ap-1", 100.0, 300.0, "centro"),
        ("ap-1", 400.0, None, "centro"),
        ("cpe-1", 100.0, 300.0, "centro"),
        ("cpe-1", 300.0, None, "norte"),
    ]


def test_devices_ignore_what_the_table_does_not_hold(tmp_path: Path) -> None:
    path = tmp_path / "devices.parquet"
    device_table.update(path, [CPE], 100.0)
    before = path.stat().st_mtime_ns
    time.sleep(0.01)
    assert not device_table.update(path, [replace(CPE, address="127.0.0.9", credential="other")], 200.0)
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize(("version", "ending"), [(None, "damaged"), ("2", "newer")])
def test_an_inventory_that_cannot_be_read_is_set_aside_and_begun_anew(tmp_path, caplog, version, ending):
    path, aside = tmp_path / "devices.parquet", Aside()
    assert device_table.update(path, [CPE], 100.0)
    if version is None:
        path.write_bytes(path.read_bytes()[:-50])
    else:
        pq.write_table(pq.ParquetFile(path).read().replace_schema_metadata({"bairro_version": version}), path)
    spoilt = path.read_bytes()
    assert device_table.update(path, [CPE], 200.0, aside)
    assert held(path) == [("cpe-1", 200.0, None, "centro")]
    assert (tmp_path / f"devices.parquet.{ending}").read_bytes() == spoilt
    assert aside.files["devices"] == 1
    assert "what the inventory was before now is not known any more" in caplog.text


def test_one_that_cannot_be_set_aside_is_not_written_over(tmp_path, monkeypatch):
    path = tmp_path / "devices.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    with pytest.raises(OSError, match="cannot be set aside"):
        device_table.update(path, [CPE], 200.0)
    assert path.read_bytes() == b"PAR1"
