"""quality_hours: what is observed, down, silent or unmeasured, told apart."""

from __future__ import annotations

import random
from array import array
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from collector.publish.hours.hour_facts import quantile
from collector.published import QUALITY_HOURS
from collector.quality.counters.rates import Delta
from collector.quality.counters.uplink import Traffic
from collector.reading import EchoBurst, InterfaceReading, Reading, SignalReading, StateName

from ..readings import CPE, answer, silence
from ..recorder import AP, HOUR, SETTLE, START, Recorder, published


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path)


def test_a_full_hour_of_answers(recorder: Recorder) -> None:
    for at in range(START, START + HOUR + 61, 60):
        recorder.take(answer(float(at)))
    recorder.flush(START + HOUR + SETTLE)
    row = recorder.rows()["cpe-1", 0]
    assert row["hour"] == datetime(2023, 11, 14, 23, tzinfo=UTC)
    assert (row["observed_seconds"], row["down_seconds"], row["silent_seconds"]) == (3600, 0, 0)
    assert (row["planned_seconds"], row["outages"], row["restarts"], row["polls_answered"]) == (0, 0, 0, 60)
    assert (row["pings_sent"], row["pings_lost"], row["rtt_count"]) == (300, 60, 240)
    assert row["rtt_seconds_sum"] == pytest.approx(60 * 0.063)
    assert row["rtt_p50_seconds"] == pytest.approx(0.011, rel=1e-6)
    assert row["rtt_p95_seconds"] == pytest.approx(0.030, rel=1e-6)
    assert row["jitter_seconds"] == pytest.approx((0.002 + 0.001 + 0.019) / 3)
    assert (row["receive_bytes"], row["transmit_bytes"]) == (pytest.approx(3_600_000), pytest.approx(360_000))
    assert row["receive_p95_bytes_per_second"] == pytest.approx(1000, rel=1e-6)
    assert row["utilization_p95_ratio"] is not None
    assert (row["error_packets"], row["discard_packets"]) == (0, 0)
    assert row["signal_dbm"] is row["signal_noise_db"] is row["codewords_total"] is None


RATES = ("receive_p95_bytes_per_second", "transmit_p95_bytes_per_second", "utilization_p95_ratio")


def steadily(at: float, passed: Traffic | None) -> tuple[Reading, Delta, Traffic | None]:
    return answer(at), Delta(60.0), passed


@pytest.mark.parametrize(("rated", "is_known"), [(0, False), (1, False), (29, False), (30, True), (60, True)])
def test_a_percentile_of_fewer_than_half_of_the_polls_is_not_known(
    recorder: Recorder, rated: int, is_known: bool
) -> None:
    for minute in range(60):
        passed = Traffic(60.0, 6000, 600, 0, 0, 0.5, over_polls=1 if minute >= 60 - rated else 0)
        recorder.history.observe(*steadily(START + 60.0 * minute, passed))
    recorder.flush(START + HOUR + SETTLE)
    row = recorder.rows()["cpe-1", 0]
    assert [row[name] is not None for name in RATES] == [is_known] * 3
    assert row["receive_bytes"] == pytest.approx(60 * 6000, rel=0.02), "what passed is known all the same"


def test_a_rate_over_many_polls_counts_as_that_of_each(recorder: Recorder) -> None:
    """Ten polls of a tenth of the rate, then 50 that one rate is known of."""
    for minute in range(60):
        passed = Traffic(60.0, 6_000, 600, 0, 0, 0.5) if minute < 10 else None
        if minute == 59:
            passed = Traffic(3000.0, 3_000_000, 30_000, 0, 0, 0.1, over_polls=50)
        recorder.history.observe(*steadily(START + 60.0 * minute, passed))
    recorder.flush(START + HOUR + SETTLE)
    row = recorder.rows()["cpe-1", 0]
    assert row["receive_p95_bytes_per_second"] == 1000.0
    assert row["receive_bytes"] == pytest.approx(3_060_000, rel=0.01)


@pytest.mark.parametrize("is_restarted", [False, True])
def test_rates_that_are_taken_back_are_not_in_the_hour(tmp_path: Path, is_restarted: bool) -> None:
    recorder = Recorder(tmp_path)
    for minute in range(60):
        passed = Traffic(60.0, 60_000 * (minute < 20), 600, 0, 0, 0.9)
        if minute == 20:
            passed = passed._replace(over_polls=0, false_since=START + 60.0)
        recorder.history.observe(*steadily(START + 60.0 * minute, passed))
    if is_restarted:
        recorder.flush(START + HOUR - 30.0)
        recorder = Recorder(tmp_path)
        recorder.history.restore(START + HOUR)
    recorder.flush(START + HOUR + SETTLE)
    row = recorder.rows()["cpe-1", 0]
    assert row["receive_p95_bytes_per_second"] == 0.0, "of the polls since"
    assert row["receive_bytes"] == pytest.approx(20 * 60_000, rel=0.06)


def test_an_hour_stays_open_until_no_verdict_can_reach_it(recorder: Recorder) -> None:
    for at in range(START, START + HOUR + 1, 60):
        recorder.take(answer(float(at)))
    recorder.flush(START + HOUR + SETTLE - 1)
    assert recorder.rows() == {}
    recorder.flush(START + HOUR + SETTLE)
    assert set(recorder.rows()) == {("cpe-1", 0)}
    recorder.flush(START + HOUR + SETTLE + 60)
    assert set(recorder.rows()) == {("cpe-1", 0)}


def test_down_time_reaches_back_to_the_first_miss_and_is_split_at_the_hour(recorder: Recorder) -> None:
    """Silent from 23:50; the verdict falls at 23:52 and the device is back at 00:10."""
    fell, back = START + 3000, START + HOUR + 600
    for at in range(START, fell, 60):
        recorder.take(answer(float(at)))
    for at in range(fell, back, 60):
        if at == fell + 120:
            recorder.turn("down", at, fell)
        recorder.take(silence(float(at)))
    recorder.turn("up", back, back, old="down")
    for at in range(back, START + 2 * HOUR + 61, 60):
        recorder.take(answer(float(at)))
    recorder.flush(START + 2 * HOUR + SETTLE)
    first, second = recorder.rows()["cpe-1", 0], recorder.rows()["cpe-1", 1]
    assert (first["down_seconds"], first["outages"], first["silent_seconds"]) == (600, 1, 0)
    assert (second["down_seconds"], second["outages"], second["silent_seconds"]) == (600, 0, 0)
    assert (first["observed_seconds"], second["observed_seconds"]) == (3600, 3600)
    assert (first["pings_sent"], first["pings_lost"]) == (250, 50), "echoes lost in an outage are not packet loss"


def test_lone_silence_is_not_down_and_may_turn_out_to_be(recorder: Recorder) -> None:
    """A CPE is silent from minute 10 and judged alone; at minute 20 it is laid to a group outage from the start."""
    for at in range(START, START + 600, 60):
        recorder.take(answer(float(at)))
    recorder.turn("silent", START + 720, START + 600)
    for at in range(START + 600, START + HOUR + 61, 60):
        recorder.take(silence(float(at)))
    regrouped = Recorder(recorder.data / "regrouped")
    for at in range(START, START + 600, 60):
        regrouped.take(answer(float(at)))
    regrouped.turn("silent", START + 720, START + 600)
    for at in range(START + 600, START + HOUR + 61, 60):
        if at == START + 1200:
            regrouped.turn("suppressed", at, START + 600, old="silent")
        regrouped.take(silence(float(at)))
    for each in (recorder, regrouped):
        each.flush(START + HOUR + SETTLE)
    alone, grouped = recorder.rows()["cpe-1", 0], regrouped.rows()["cpe-1", 0]
    assert (alone["silent_seconds"], alone["down_seconds"], alone["outages"]) == (3000, 0, 0)
    assert (grouped["silent_seconds"], grouped["down_seconds"], grouped["outages"]) == (0, 3000, 1)
    assert alone["observed_seconds"] == grouped["observed_seconds"] == 3600


def test_a_gap_is_neither_an_outage_nor_a_zero_rate(recorder: Recorder) -> None:
    for at in [*range(START, START + 601, 60), *range(START + 2400, START + HOUR + 61, 60)]:
        recorder.take(answer(float(at)))
    recorder.flush(START + HOUR + SETTLE)
    row = recorder.rows()["cpe-1", 0]
    assert row["observed_seconds"] == 1800
    assert row["down_seconds"] == row["silent_seconds"] == 0
    assert row["receive_bytes"] == pytest.approx(3_600_000), "the counter went on counting"
    assert row["receive_p95_bytes_per_second"] == pytest.approx(1000, rel=1e-6)


def test_a_missed_poll_or_two_without_a_verdict_is_packet_loss(recorder: Recorder) -> None:
    for at in range(START, START + HOUR + 61, 60):
        recorder.take(silence(float(at)) if at == START + 600 else answer(float(at)))
    recorder.flush(START + HOUR + SETTLE)
    row = recorder.rows()["cpe-1", 0]
    assert (row["observed_seconds"], row["down_seconds"], row["polls_answered"]) == (3600, 0, 59)
    assert (row["pings_sent"], row["pings_lost"]) == (300, 64)


def test_blind_and_unsent_and_unknown_time_is_unobserved(recorder: Recorder) -> None:
    for at in range(START, START + HOUR + 61, 60):
        reading = answer(float(at))
        if START + 600 <= at < START + 1200:
            reading = silence(float(at))
        if at == START + 1800:
            reading = Reading(CPE.device_id, float(at), 0.0, "silent", sent=False)
        recorder.take(reading)
    recorder.history.blind(START + 600, None)
    recorder.history.blind(START + 600, START + 1200)
    recorder.turn("unknown", START + 3600, START + 3000)
    recorder.turn("up", START + 3600, START + 3300)
    recorder.flush(START + HOUR + SETTLE)
    assert recorder.rows()["cpe-1", 0]["observed_seconds"] == 3600 - 600 - 120 - 300


def test_a_device_that_never_answered_has_a_row_that_says_so(recorder: Recorder) -> None:
    recorder.flush(START + 10)
    recorder.flush(START + HOUR + SETTLE)
    row = recorder.rows()["cpe-1", 0]
    assert row["observed_seconds"] == 0
    assert all(row[name] is None for name in QUALITY_HOURS.column_names[3:])


def test_what_was_not_measured_is_null(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for at in range(START, START + HOUR + 61, 60):
        recorder.take(answer(float(at), echoes=None, interfaces=(), snmp_rtt_seconds=None))
    recorder.flush(START + HOUR + SETTLE)
    row = recorder.rows()["cpe-1", 0]
    for name in ("pings_sent", "pings_lost", "rtt_count", "rtt_seconds_sum", "rtt_p50_seconds", "jitter_seconds"):
        assert row[name] is None
    for name in ("receive_bytes", "transmit_bytes", "utilization_p95_ratio", "error_packets", "signal_dbm"):
        assert row[name] is None
    assert row["polls_answered"] == 60


def test_bytes_are_split_over_the_hour_border_by_time(recorder: Recorder) -> None:
    recorder.take(answer(float(START + HOUR - 20)))
    recorder.take(answer(float(START + HOUR + 40)))
    recorder.flush(START + 2 * HOUR + SETTLE)
    rows = recorder.rows()
    assert rows["cpe-1", 0]["receive_bytes"] == pytest.approx(20_000)
    assert rows["cpe-1", 1]["receive_bytes"] == pytest.approx(40_000)
    assert (rows["cpe-1", 0]["observed_seconds"], rows["cpe-1", 1]["observed_seconds"]) == (20, 40)


def test_restarts_errors_signals_and_codewords(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)

    def reading(at: int, uptime: float, errors: int, words: int) -> Reading:
        signals = (SignalReading("1", -60.0, 30.0, words, 10, words // 100), SignalReading("2", -71.0, 20.0))
        wan = InterfaceReading("wan", 1, None, True, 1e6, 64, at * 900_000, at, errors, 0, 2 * errors, 0)
        return answer(float(at), uptime_seconds=uptime, interfaces=(wan,), signals=signals)

    recorder.take(reading(START, 1000.0, 0, 1000))
    recorder.take(reading(START + 60, 1060.0, 5, 3000))
    recorder.take(reading(START + 120, 30.0, 0, 0))
    recorder.take(reading(START + 180, 90.0, 1, 1000))
    recorder.flush(START + HOUR + SETTLE)
    row = recorder.rows()["cpe-1", 0]
    assert row["restarts"] == 1
    assert (row["error_packets"], row["discard_packets"]) == (6, 12)
    assert (row["signal_dbm"], row["signal_noise_db"]) == (-71.0, 20.0)
    assert row["codewords_total"] == 2000 + 20 + 1000 + 10
    assert row["codewords_uncorrectable"] == 20 + 10
    assert row["utilization_p95_ratio"] == pytest.approx(0.9, rel=1e-6)


def test_uplink_receives_towards_the_customer(tmp_path: Path) -> None:
    """On the uplink of an access node or a CPE, the interface's own input comes from the network."""
    recorder = Recorder(tmp_path, AP)
    for at in (START, START + 60):
        recorder.take(answer(float(at), AP), AP)
    recorder.flush(START + HOUR + SETTLE)
    row = recorder.rows()["ap-1", 0]
    assert (row["receive_bytes"], row["transmit_bytes"]) == (60_000, 6_000)


@pytest.mark.parametrize("q", [0.0, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("count", [1, 2, 19, 20, 21, 300])
def test_percentiles_are_numpys_by_nearest_rank(q: float, count: int) -> None:
    values = np.random.default_rng(7).lognormal(-4, 1, count)
    expected = np.quantile(values, q, method="inverted_cdf")
    assert quantile(array("f", values), q) == pytest.approx(expected, rel=1e-6)
    assert quantile(array("f"), q) is None


def test_random_lives_keep_the_invariants(tmp_path: Path) -> None:
    """Random answers, misses, gaps, verdicts that reach back, blindness: every row holds (checked in ``published``)."""
    chance = random.Random(11)
    fleet = [replace(CPE, device_id=f"cpe-{number}") for number in range(40)]
    recorder = Recorder(tmp_path, *fleet)
    states: dict[str, StateName] = {device.device_id: "up" for device in fleet}
    recorder.flush(START)
    for at in range(START, START + 4 * HOUR, 60):
        for number, device in enumerate(fleet):
            when = at + number / 7
            if chance.random() < 0.1:
                continue
            hears = chance.random() < 0.7
            if chance.random() < 0.2:
                new: StateName = (
                    "up" if hears else chance.choice(["suspect", "down", "suppressed", "silent", "unknown"])
                )
                recorder.turn(new, when, when - chance.choice([0, 0, 60, 240]), device, states[device.device_id])
                states[device.device_id] = new
            recorder.take((answer if hears else silence)(when, device), device)
        if chance.random() < 0.05:
            recorder.history.blind(at - 30.0, at + 10.0)
        recorder.flush(at)
    recorder.flush(START + 4 * HOUR + SETTLE)
    assert len(recorder.rows()) == 40 * 4


def test_a_day_is_compacted_to_one_file_and_loses_nothing(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for at in range(START - 3 * HOUR, START + 2 * HOUR + 1, 60):
        recorder.take(answer(float(at)))
        recorder.flush(at)
    recorder.flush(START + 2 * HOUR + SETTLE)
    names = sorted(str(path.relative_to(tmp_path / "quality")) for path in tmp_path.glob("quality/*/*"))
    assert names == [
        "date=2023-11-14/day-shard-0.parquet",
        "date=2023-11-15/hour-00-shard-0.parquet",
    ]
    rows = recorder.rows()
    assert sorted(hour for _, hour in rows) == [-3, -2, -1, 0, 1]
    assert all(row["observed_seconds"] == 3600 for row in rows.values())


def test_usual_round_trips_are_the_medians_of_the_last_day(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, CPE, AP)
    for hour in range(30):
        rtt = 0.5 if hour < 6 else 0.010 + 0.001 * (hour % 3)
        for at in range(START + hour * HOUR, START + (hour + 1) * HOUR, 600):
            recorder.take(answer(at, echoes=EchoBurst(5, 0, (rtt,) * 5)))
            recorder.take(answer(at, AP, echoes=None), AP)
        recorder.flush(START + (hour + 1) * HOUR + SETTLE)
    usual = recorder.history.writer.files.usual_rtt_seconds(START + 30 * HOUR)
    assert list(usual) == [("cpe-1", pytest.approx(0.011, rel=0.01), 24)]
    assert list(recorder.history.writer.files.usual_rtt_seconds(START + 90 * HOUR)) == []


def test_rows_that_somebody_else_published_are_not_doubled(tmp_path: Path) -> None:
    """The demo fills the hours that it slept through; so may a backfill."""
    first, second = Recorder(tmp_path), Recorder(tmp_path, CPE, AP)
    for at in range(START, START + HOUR + 1, 60):
        first.take(answer(float(at)))
        second.take(answer(float(at)))
        second.take(answer(float(at), AP), AP)
    first.flush(START + HOUR + SETTLE)
    second.flush(START + HOUR + SETTLE)
    assert set(published(tmp_path)) == {("cpe-1", 0), ("ap-1", 0)}


def test_a_device_that_leaves_keeps_its_hour_and_a_new_one_has_none_before(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for at in range(START, START + 1801, 60):
        recorder.take(answer(float(at)))
    recorder.flush(START + 1800)
    recorder.history.replace([AP], START + HOUR + 60.0)
    recorder.take(answer(float(START + HOUR + 60), AP), AP)
    recorder.flush(START + HOUR + SETTLE)
    recorder.flush(START + 2 * HOUR + SETTLE)
    rows = recorder.rows()
    assert set(rows) == {("cpe-1", 0), ("ap-1", 1)}
    assert rows["cpe-1", 0]["observed_seconds"] == 1800


def test_observed_again_after_a_stale_inventory(recorder: Recorder) -> None:
    """A reading of a device that is not in the inventory is nobody's."""
    recorder.take(answer(float(START), AP), AP)
    recorder.flush(START + HOUR + SETTLE)
    assert ("ap-1", 0) not in recorder.rows()
