"""Series of /metrics come and go as documented, and their number is in hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from collector.config import MetricsSettings
from collector.publish.exposition import families, family, reference
from collector.publish.exposition.content_negotiation import CLASSIC
from collector.publish.exposition.page import CPE_IN_FULL, Exposition, detail_of
from collector.quality.counters.narrow_sums import without_narrow
from collector.quality.counters.uplink import Traffic
from collector.reading import (
    ROLES,
    EchoBurst,
    Impairment,
    InterfaceReading,
    ProbeReading,
    Reading,
    SignalReading,
    SnmpOutcome,
)

from ..exposed import AP, changed, exposition, samples
from ..readings import CPE, answer, silence

POLLED_AT = "bairro_device_last_poll_timestamp_seconds"


def test_gauges_go_after_two_misses_and_counters_stay() -> None:
    metrics = exposition(CPE)
    metrics.update(answer(0.0), restarted=False, traffic=None)
    metrics.update(silence(60.0), restarted=False, traffic=None)
    once = samples(metrics.render())
    metrics.update(silence(120.0), restarted=False, traffic=None)
    twice = samples(metrics.render())
    gone = {
        "bairro_device_uptime_seconds",
        "bairro_device_poll_duration_seconds",
        "bairro_ping_rtt_p50_seconds",
        "bairro_ping_rtt_p95_seconds",
        "bairro_ping_jitter_seconds",
        "bairro_interface_up",
        "bairro_interface_admin_up",
        "bairro_interface_speed_bytes_per_second",
    }
    assert gone <= once.keys()
    assert once.keys() - twice.keys() == gone
    device = (("device", "cpe-1"),)
    assert twice["bairro_device_up"][device] == 0
    assert twice["bairro_polls_failed_total"][device] == 2
    assert twice["bairro_ping_lost_total"][device] == 11
    metrics.update(answer(180.0), restarted=False, traffic=None)
    assert gone <= samples(metrics.render()).keys()


def test_a_collector_that_could_not_send_says_nothing_of_the_device() -> None:
    metrics = exposition(CPE)
    metrics.update(answer(0.0), restarted=False, traffic=None)
    for at in (60.0, 120.0, 180.0):
        metrics.update(Reading(CPE.device_id, at, 0.0, "silent", sent=False), restarted=False, traffic=None)
    now = samples(metrics.render())
    assert now["bairro_device_up"][("device", "cpe-1"),] == 1
    assert now["bairro_polls_failed_total"][("device", "cpe-1"),] == 0
    assert "bairro_interface_up" in now


def test_down_series_stands_only_while_down_and_names_the_root() -> None:
    metrics = exposition()
    assert "bairro_device_down" not in samples(metrics.render())
    metrics.change(changed(CPE, "suppressed", 180.0, 60.0))
    now = samples(metrics.render())
    assert now["bairro_device_down"] == {(("device", "cpe-1"), ("root", "ap-1")): 1.0}
    assert now["bairro_area_subscribers_affected"][("area", "centro"),] == 1
    metrics.update(silence(180.0), restarted=False, traffic=None)
    assert samples(metrics.render())["bairro_device_outage_seconds_total"][("device", "cpe-1"),] == 120
    metrics.change(changed(CPE, "up", 300.0, 300.0, "suppressed"))
    metrics.update(answer(300.0), restarted=False, traffic=None)
    now = samples(metrics.render())
    assert "bairro_device_down" not in now
    assert now["bairro_device_outage_seconds_total"][("device", "cpe-1"),] == 240
    assert now["bairro_device_outages_total"][("device", "cpe-1"),] == 1
    assert now["bairro_area_subscribers_affected"][("area", "centro"),] == 0


def test_what_ails_a_device_stands_only_while_it_does_and_not_at_detail_area() -> None:
    shown = exposition(CPE, AP, cpe="area")
    shown.impair(Impairment("ap-1", 60.0, ("loss", "saturation"), ("uplink_down",)))
    shown.impair(Impairment("cpe-1", 60.0, ("loss",)))
    shown.impair(Impairment("stranger", 60.0, ("loss",)))
    found = samples(shown.render())
    assert set(found["bairro_device_degraded"]) == {
        (("device", "ap-1"), ("measure", "loss")),
        (("device", "ap-1"), ("measure", "saturation")),
    }
    assert found["bairro_device_fault"] == {(("device", "ap-1"), ("fault", "uplink_down")): 1.0}
    shown.impair(Impairment("ap-1", 120.0, ("saturation",)))
    found = samples(shown.render())
    assert list(found["bairro_device_degraded"]) == [(("device", "ap-1"), ("measure", "saturation"))]
    assert "bairro_device_fault" not in found
    shown.replace([CPE])
    assert "bairro_device_degraded" not in shown.render()


def test_flaps_are_counted_from_the_first_on() -> None:
    shown = exposition(AP)
    shown.change(changed(AP, "down", 60, 0))
    assert "bairro_device_flaps_total" not in shown.render()
    for at in (120, 240):
        shown.change(changed(AP, "up", at, at, "down"))
        shown.change(replace(changed(AP, "down", at + 60, at), is_flap=True))
    assert 'bairro_device_flaps_total{device="ap-1"} 2.0' in shown.render()
    shown.replace([CPE])
    assert "bairro_device_flaps_total" not in shown.render()


def test_one_state_at_a_time() -> None:
    metrics = exposition(CPE)
    metrics.change(changed(CPE, "silent", 180.0, 60.0))
    metrics.update(silence(180.0), restarted=False, traffic=None)
    now = samples(metrics.render())
    assert {dict(labels)["state"]: v for labels, v in now["bairro_device_state"].items() if v} == {"silent": 1.0}
    assert sum(now["bairro_device_state"].values()) == 1
    assert {dict(labels)["state"]: v for labels, v in now["bairro_area_devices"].items() if v} == {"silent": 1.0}


def test_series_of_a_device_that_left_go_and_the_others_stay() -> None:
    metrics = exposition()
    for device in (CPE, AP):
        metrics.update(answer(0.0, device), restarted=False, traffic=None)
        metrics.change(changed(device, "down", 0.0, 0.0))
    metrics.replace([replace(CPE, site="moved")])
    text = metrics.render()
    assert 'device="ap-1"' not in text.replace('parent="ap-1"', "")
    assert 'site="moved"' in text
    assert samples(text)["bairro_polls_total"][("device", "cpe-1"),] == 1, "what is known stands until the next poll"
    metrics.update(answer(60.0), restarted=False, traffic=None)
    text = metrics.render()
    assert samples(text)["bairro_polls_total"][("device", "cpe-1"),] == 2


def test_counters_that_a_partial_answer_does_not_speak_of_do_not_look_fresh() -> None:
    """They go at once, and come back with the next reading; gauges stay for one such poll, as after one miss."""
    metrics = exposition(CPE)
    first = answer(60.0)
    half = first.interfaces[0]
    rest = half._replace(name="lan", index=2)

    def shown(name: str) -> set[str]:
        return {dict(labels)["interface"] for labels in samples(metrics.render()).get(f"bairro_interface_{name}", {})}

    def take(at: float, *interfaces: InterfaceReading, snmp: SnmpOutcome = "partial") -> None:
        metrics.update(first._replace(at=at, snmp=snmp, interfaces=interfaces), restarted=False, traffic=None)
        assert samples(metrics.render())[POLLED_AT][("device", "cpe-1"),] == at

    counters = ("receive_bytes_total", "transmit_bytes_total", "receive_errors_total")
    take(0.0, half, rest, snmp="answered")
    assert [shown(name) for name in counters] == [{half.name, rest.name}] * 3
    take(60.0, half)
    assert [shown(name) for name in (*counters, "up")] == [{half.name}] * 3 + [{half.name, rest.name}]
    take(120.0, half, rest)
    assert [shown(name) for name in (*counters, "up")] == [{half.name, rest.name}] * 4
    take(180.0)
    assert [shown(name) for name in (*counters, "up")] == [set()] * 3 + [{half.name, rest.name}]
    take(240.0, half)
    assert [shown(name) for name in (*counters, "up")] == [{half.name}] * 4
    take(300.0, half, rest, snmp="answered")
    assert [shown(name) for name in (*counters, "up")] == [{half.name, rest.name}] * 4
    take(360.0, half, snmp="answered")
    assert [shown(name) for name in (*counters, "up")] == [{half.name}] * 4


def test_counters_of_a_device_that_answers_pings_alone_do_not_look_fresh() -> None:
    metrics = exposition(CPE)
    metrics.update(answer(0.0), restarted=False, traffic=None)
    deaf = answer(60.0)._replace(snmp="silent", interfaces=(), uptime_seconds=None, snmp_rtt_seconds=None)
    metrics.update(deaf, restarted=False, traffic=None)
    found = samples(metrics.render())
    assert found[POLLED_AT][("device", "cpe-1"),] == 60.0
    assert "bairro_interface_receive_bytes_total" not in found
    metrics.update(answer(120.0), restarted=False, traffic=None)
    for at in (180.0, 240.0, 300.0):
        metrics.update(silence(at), restarted=False, traffic=None)
    found = samples(metrics.render())
    assert found[POLLED_AT][("device", "cpe-1"),] == 120.0
    assert len(found["bairro_interface_receive_bytes_total"]) == 2, "in silence they stand, and so does their time"


def test_signals_and_probes_go_with_the_answer_that_lacks_them() -> None:
    metrics = exposition(CPE)
    signals = (SignalReading("1", -60.0, 20.0, 1, 2, 3), SignalReading("2", -61.0))
    probes = (ProbeReading("a", 0.01), ProbeReading("b", None, None, 1.0))

    def shown(name: str) -> set[str]:
        return {
            dict(labels)[kind]
            for labels in samples(metrics.render()).get(name, {})
            for kind in ("channel", "probe")
            if kind in dict(labels)
        }

    metrics.update(answer(0.0, signals=signals, probes=probes), restarted=False, traffic=None)
    assert shown("bairro_signal_received_dbm") == {"1", "2"}
    assert (shown("bairro_device_probe_rtt_seconds"), shown("bairro_device_probe_loss_ratio")) == ({"a"}, {"b"})
    metrics.update(answer(60.0, snmp="partial", signals=signals[:1]), restarted=False, traffic=None)
    assert shown("bairro_signal_received_dbm") == {"1", "2"}
    assert shown("bairro_device_probe_rtt_seconds") == {"a"}
    metrics.update(answer(90.0, snmp="partial", signals=signals[1:]), restarted=False, traffic=None)
    assert shown("bairro_signal_received_dbm") == {"1", "2"}
    assert shown("bairro_docsis_codewords_total") == set()
    assert shown("bairro_device_probe_rtt_seconds") == set()
    metrics.update(answer(120.0, signals=signals[:1]), restarted=False, traffic=None)
    assert shown("bairro_signal_received_dbm") == {"1"}
    assert shown("bairro_device_probe_rtt_seconds") == set()
    for at in (180.0, 240.0):
        metrics.update(silence(at), restarted=False, traffic=None)
    assert shown("bairro_signal_received_dbm") == set()
    assert len(samples(metrics.render())["bairro_docsis_codewords_total"]) == 3
    metrics.update(answer(300.0), restarted=False, traffic=None)
    assert "bairro_docsis_codewords_total" not in samples(metrics.render()), "the device has none any more"


def test_detail_keeps_the_number_of_series_in_hand() -> None:
    settings = MetricsSettings()
    assert detail_of(CPE, settings, cpe_count=CPE_IN_FULL) == "full"
    assert detail_of(CPE, settings, cpe_count=CPE_IN_FULL + 1) == "area"
    assert detail_of(AP, settings, cpe_count=10**6) == "full"
    assert detail_of(CPE, MetricsSettings(cpe="summary"), cpe_count=10**6) == "summary"


@pytest.mark.parametrize("detail", family.DETAILS)
def test_number_of_series_is_as_documented(detail: family.Detail) -> None:
    metrics = exposition(CPE, cpe=detail)
    interfaces = answer(60.0).interfaces
    whole = tuple(interfaces[0]._replace(name=name) for name in ("wan", "lan", "x"))
    signals = (SignalReading("1", -60.0, 20.0, 1, 2, 3, -90.0, 0.5, 20.0, -80.0, -9.0, 15.0, -31.0, 1e6, 1e6),)
    probes = (ProbeReading("a", 0.01, 0.001, 0.0), ProbeReading("b", 0.01, 0.001, 0.0))
    metrics.update(answer(60.0, interfaces=whole, signals=signals, probes=probes), restarted=False, traffic=None)
    text = metrics.render()
    own = [line for line in text.splitlines() if 'device="cpe-1"' in line]
    assert len(own) == reference.series_per_device(detail, interfaces=3, channels=1, probes=2)
    per_area = [line for line in text.splitlines() if line.startswith("bairro_area_")]
    assert len(per_area) == sum(family.series for family in families.AREA_FAMILIES)


@pytest.mark.parametrize("detail", family.DETAILS)
@pytest.mark.parametrize("example", reference.EXAMPLES, ids=lambda example: example[0])
def test_examples_of_the_number_of_series_are_what_is_shown(example: Any, detail: family.Detail) -> None:
    name, interfaces, channels, probes, measured = example
    device = replace(CPE, role=next((role for role in ROLES if name.startswith(role)), "cpe"), uplink_interface="if0")
    shown = {family.name for family in measured}
    fields = {
        "received_dbm": "bairro_signal_received_dbm",
        "noise_ratio_db": "bairro_signal_noise_ratio_db",
        "noise_dbm": "bairro_signal_noise_dbm",
        "quality_ratio": "bairro_signal_quality_ratio",
        **dict.fromkeys(
            ("codewords_unerrored", "codewords_corrected", "codewords_uncorrectable"), "bairro_docsis_codewords_total"
        ),
    }
    values = {field: 1 for field, family in fields.items() if family in shown}
    row = answer(60.0).interfaces[0]
    reading = answer(
        60.0,
        device,
        interfaces=tuple(row._replace(name=f"if{n}") for n in range(interfaces)),
        signals=tuple(SignalReading(str(n), **values) for n in range(channels)),
        probes=tuple(ProbeReading(str(n), 0.01, 0.001, 0.0) for n in range(probes)),
    )
    metrics = exposition(device, cpe=detail, network=detail)
    metrics.update(reading, restarted=False, traffic=None)
    own = [line for line in metrics.render().splitlines() if 'device="cpe-1"' in line]
    row_in_docs = next(line for line in reference.markdown().splitlines() if line.startswith(f"| {name} |"))
    assert int(row_in_docs.split("|")[2 + family.DETAILS.index(detail)]) == len(own)


def test_area_sums_stand_in_for_devices_that_are_not_shown() -> None:
    metrics = exposition(CPE, cpe="area")
    for at in (0.0, 60.0):
        metrics.update(answer(at), restarted=False, traffic=Traffic(60.0, 6000, 600, 0, 0, None))
    now = samples(metrics.render())
    role = (("area", "centro"), ("role", "cpe"))
    assert now["bairro_area_receive_bytes_total"][role] == 12_000
    assert now["bairro_area_ping_sent_total"][role] == 10
    assert now["bairro_area_ping_rtt_seconds_count"][role] == 8
    metrics.change(changed(CPE, "suppressed", 60.0, 0.0))
    assert 'bairro_device_down{device="cpe-1",root="ap-1"} 1.0' in metrics.render()


def test_a_device_is_shown_as_soon_as_its_detail_allows() -> None:
    settings = MetricsSettings()
    crowd = [replace(CPE, device_id=f"cpe-{n}") for n in range(CPE_IN_FULL + 1)]
    metrics = Exposition(settings, crowd)
    metrics.update(answer(60.0), restarted=False, traffic=None)
    metrics.change(changed(CPE, "suppressed", 0.0, 0.0))
    assert "bairro_device_up" not in metrics.render()
    metrics.replace(crowd[1:])
    metrics.update(answer(60.0), restarted=False, traffic=None)
    own = [line for line in metrics.render().splitlines() if 'device="cpe-1"' in line]
    now = samples("\n".join(own) + "\n")
    assert now["bairro_device_up"] == {(("device", "cpe-1"),): 1.0}
    assert now["bairro_device_outages_total"][("device", "cpe-1"),] == 1
    metrics.replace(crowd)
    assert "bairro_device_up" not in metrics.render()


def test_probe_text_is_the_devices_own_even_where_it_is_not_shown() -> None:
    shown, hidden = exposition(CPE), exposition(CPE, cpe="area")
    reading = without_narrow(answer(60.0, echoes=EchoBurst(1, 0, (0.5,))))
    for metrics in (shown, hidden):
        metrics.update(reading, restarted=False, traffic=None)
    assert samples(shown.one(reading, CLASSIC)) == samples(hidden.one(reading, CLASSIC))
    assert samples(shown.one(reading, CLASSIC))["bairro_ping_rtt_p95_seconds"] == {(("device", "cpe-1"),): 0.5}
    assert "bairro_ping_jitter_seconds" not in samples(shown.one(reading, CLASSIC))
