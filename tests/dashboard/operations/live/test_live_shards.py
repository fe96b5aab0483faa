"""Which collectors are heard of, whose devices are unknown, and until when: files as collectors leave them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collector.publish.live import device_spans as inventory
from collector.published import LiveNote
from collector.reading import Device
from dashboard.figures.live import collector_status as words
from dashboard.operations.live.live_reader import silent_after
from dashboard.operations.live.live_state import LiveSource, areas_now

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
QUICK = LiveNote(0, 2, poll_interval_seconds=10, live_seconds=5)
LATER = NOW + timedelta(seconds=30)


@pytest.fixture
def pair(sample, scratch):
    """A provider whose devices two shards tell of; returns a function that writes the table of one at a time."""
    whole = sample.network(NOW)
    first = whole["area"] < "n12"

    def write(shard: int, at: datetime, note: LiveNote = QUICK, only: pd.Series | None = None) -> None:
        rows = whole[first if shard == 0 else ~first] if only is None else whole[only]
        sample.write_live(scratch.data, at, rows, replace(note, shard=shard))

    sample.write_incidents(scratch.database_url, NOW)
    return write


def read(scratch, at=NOW):
    return LiveSource(scratch).read(at)


@pytest.mark.parametrize(
    ("poll", "live", "seconds"),
    [(60, 10, 60), (10, 10, 15), (5, 2, 5), (0.5, 0.5, 5), (60, 60, 90), (3600, 10, 60), (20, 2, 34)],
)
def test_a_silent_collector_is_unknown_within_two_intervals(poll, live, seconds):
    assert silent_after(LiveNote(poll_interval_seconds=poll, live_seconds=live)) == seconds
    assert seconds <= max(5, 2 * max(poll, live))
    assert seconds >= 1.5 * live, "half a turn late is no alarm"


def test_all_that_is_heard_of_is_known(scratch, pair):
    pair(0, NOW)
    pair(1, NOW)
    live = read(scratch)
    assert [(shard.name, shard.condition) for shard in live.shards] == [("0", "live"), ("1", "live")]
    assert live.is_complete
    assert live.unseen == {}
    assert words.gaps(live) == []


def test_devices_of_a_silent_collector_are_unknown_everywhere(scratch, pair):
    pair(0, LATER)
    pair(1, NOW)
    live = read(scratch, LATER)
    worst = live.shards[0]
    assert (worst.name, worst.condition, worst.seen_at) == ("1", "silent", NOW)
    mine = live.devices[live.devices["area"] >= "n12"]
    assert set(mine["state"]) == {"unknown"}
    assert set(mine["since"]) == {pd.Timestamp(NOW)}
    assert mine["rtt_seconds"].isna().all(), "what was measured says nothing of now"
    assert set(live.unseen) == set(mine["device_id"])
    assert (worst.devices, worst.customers) == (len(mine), mine["subscribers"].sum())
    assert "unknown" not in set(live.devices.loc[live.devices["area"] < "n12", "state"])
    areas = areas_now(live.devices).set_index("area")
    assert areas.loc["n15", "state"] == "unknown"
    assert areas.loc["n15", "not_seen"] == areas.loc["n15", "subscribers"]
    assert live.age_seconds(LATER) == 30, "the age is that of the oldest"
    assert not live.is_complete
    (said,) = words.notices(live, LATER)
    assert said.text.startswith("Collector shard 1 has not reported since 12:00. Its ")
    assert said.command == "bairro collect --shard 1/2"
    assert words.freshness(live, LATER) == {
        "seen_at": NOW.timestamp(), "stale_after": 14.0, "lead": "▲ shard 1: data", "late": "▲ shard 1: data", "kind": "old",
    }  # fmt: skip


def test_a_collector_that_calls_itself_blind_tells_nothing(scratch, pair):
    pair(0, LATER)
    pair(1, LATER, replace(QUICK, blind_since=NOW.timestamp()))
    live = read(scratch, LATER)
    assert (live.shards[0].name, live.shards[0].condition, live.shards[0].seen_at) == ("1", "blind", NOW)
    assert live.is_blind
    assert set(live.devices.loc[live.devices["area"] >= "n12", "state"]) == {"unknown"}
    assert words.notices(live, LATER)[0].text.startswith("Collector shard 1 has been blind since 12:00")
    assert words.freshness(live, LATER)["lead"] == "■ shard 1 blind · data"


def test_a_file_from_the_future_counts_from_when_it_was_read(scratch, pair):
    pair(0, NOW + timedelta(hours=1))
    pair(1, NOW + timedelta(hours=1))
    source = LiveSource(scratch)
    assert source.read(NOW).is_complete
    assert {s.condition for s in source.read(LATER).shards} == {"silent"}, (
        "a clock that is ahead hides no dead collector"
    )


def test_a_shard_that_never_wrote_is_missed_by_the_word_of_the_others(scratch, pair, sample):
    pair(0, NOW)
    live = read(scratch)
    assert [(s.name, s.condition) for s in live.shards] == [("1", "missing"), ("0", "live")]
    assert not live.is_complete
    (said,) = words.notices(live, NOW)
    assert said.text.startswith("Collector shard 1 of 2 has no live table. It is not known how many devices it has.")
    network = sample.network(NOW)
    rows = [
        Device(r.device_id, "192.0.2.1", r.role, r.area, parent=r.parent or None, subscribers=r.subscribers)
        for r in network.astype(object).where(network.notna(), None).itertuples()
    ]
    inventory.update(scratch.data / "devices.parquet", rows, NOW.timestamp() - 60)
    live = read(scratch)
    assert len(live.devices) == len(network), "the inventory tells whom nobody sees"
    assert set(live.devices.loc[live.devices["area"] >= "n12", "state"]) == {"unknown"}
    assert live.shards[0].devices == (network["area"] >= "n12").sum()


def test_a_shard_that_was_taken_away_is_forgotten_once_others_have_its_devices(scratch, pair):
    pair(1, NOW)
    everybody = pd.Series([True] * 385)
    pair(0, LATER, replace(QUICK, shards=1), only=everybody)
    live = read(scratch, LATER)
    assert [(s.name, s.condition) for s in live.shards] == [("0", "live")]
    assert live.is_complete
    assert not live.devices["device_id"].duplicated().any()
    assert "unknown" not in set(live.devices["state"])


def test_a_device_that_left_the_inventory_is_in_the_file_of_a_dead_collector_no_more(scratch, pair):
    rows = [Device(name, "192.0.2.1", "olt", "n20") for name in ("n20-olt1", "n20-olt2")]
    inventory.update(scratch.data / "devices.parquet", rows, NOW.timestamp() - 60)
    pair(0, LATER)
    pair(1, NOW)
    inventory.update(scratch.data / "devices.parquet", rows[:1], NOW.timestamp() + 10)
    found = set(read(scratch, LATER).devices["device_id"])
    assert "n20-olt1" in found
    assert "n20-olt2" not in found


def test_a_newcomer_that_no_table_holds_yet_is_given_half_a_minute(scratch, pair):
    pair(0, NOW)
    pair(1, NOW)
    inventory.update(
        scratch.data / "devices.parquet", [Device("new", "192.0.2.1", "olt", "n20", subscribers=7)], NOW.timestamp()
    )
    source = LiveSource(scratch)
    assert source.read(NOW).is_complete
    for shard in (0, 1):
        pair(shard, LATER)
    live = source.read(LATER)
    assert (live.shards[0].name, live.shards[0].devices, live.shards[0].customers) == ("", 1, 7)
    assert words.notices(live, LATER)[0].text.startswith(
        "1 device of the inventory, with 7 customers, is in no collector’s"
    )
    assert words.why(live.unseen["new"], live.shard_count) == "in no collector's live table"


def test_one_file_that_cannot_be_read_costs_its_own_devices(scratch, pair):
    pair(0, NOW)
    pair(1, NOW)
    source = LiveSource(scratch)
    assert source.read(NOW).is_complete
    path = scratch.data / "live" / "shard=1.parquet"
    path.write_bytes(path.read_bytes()[:1000])
    live = source.read(NOW)
    assert [(s.name, s.condition) for s in live.shards] == [("1", "unreadable"), ("0", "live")]
    assert set(live.devices.loc[live.devices["area"] >= "n12", "state"]) == {"unknown"}
    assert "unknown" not in set(live.devices.loc[live.devices["area"] < "n12", "state"])
    (problem,) = live.problems
    assert problem.startswith(
        "the live table cannot be read: shard=1.parquet (192 devices unknown): it is no Parquet file that can be read ("
    )
    assert "a running collector writes a new one" in problem
    assert words.gaps(live) == ["the live table of collector shard 1 cannot be read"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda t: t.replace_schema_metadata({b"bairro_version": b"9"}),
            "version 9 of live; this program knows up to 1. Upgrade",
        ),
        (lambda t: t.drop_columns(["state"]), "lacks state"),
        (
            lambda t: t.set_column(t.schema.get_field_index("state"), "state", pa.nulls(t.num_rows, pa.string())),
            "its column state has nulls",
        ),
        (
            lambda t: t.set_column(t.schema.get_field_index("state"), "state", pa.array([1] * t.num_rows)),
            "has state as int64",
        ),
    ],
)
def test_a_table_that_is_no_live_table_is_told_with_what_to_do(sample, scratch, change, said):
    sample.write_live(scratch.data, NOW)
    path = scratch.data / "live" / "shard=0.parquet"
    pq.write_table(change(pq.ParquetFile(path).read()), path)
    live = read(scratch)
    assert live.shards[0].condition == "unreadable"
    assert said in live.problems[0]


def test_a_state_that_this_program_does_not_know_is_unknown(sample, scratch):
    table = sample.network(NOW)
    table.loc[0, "state"] = "hibernating"
    sample.write_live(scratch.data, NOW, table)
    assert read(scratch).devices["state"].iloc[0] == "unknown"
