"""Agents that say what cannot be, from the wire to /metrics, history and live table. Time is that of the agents' clock."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from collector import config
from collector.config import PingSettings
from collector.credentials import Credential
from collector.loop.pipeline import Pipeline
from collector.poll.poller import Poller
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import OCTETS, encode_tlv
from collector.publish.incidents.incident_log import IncidentLog
from collector.published import QUALITY_HOURS
from collector.reading import Device, Reading

from .agents import QUICK, Mib, Serve, answering, encode_integer

START = 1_700_002_800.0
INTERVAL = 5.0
DAY = 86_400
MB = 1_000_000
COUNTER64, COUNTER32, GAUGE, TICKS, OBJECT = 0x46, 0x41, 0x42, 0x43, 0x06
IF, IFX = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
AIROS = "1.3.6.1.4.1.41112.1.4.5.1"

Objects = dict[str, bytes]
Rows = Callable[[float], Objects]
"""The agent's objects so many seconds after the first poll."""


def text(words: str) -> bytes:
    return encode_tlv(OCTETS, words.encode())


def system(elapsed: float, uptime: float = DAY, words: str = "A router") -> Objects:
    return {
        "1.3.6.1.2.1.1.1.0": text(words),
        "1.3.6.1.2.1.1.2.0": encode_tlv(OBJECT, b"\x2b\x06\x01\x04\x01\x86\x8d\x1f\x01"),
        "1.3.6.1.2.1.1.3.0": encode_integer(int((uptime + elapsed) * 100), TICKS),
    }


def port(
    index: int, name: str, octets: int, *, wide: int | None = None, high: int = 1000, low: int = 10**9, **more: Any
) -> Objects:
    """One interface that has received and sent so much."""
    wide = octets if wide is None else wide
    row = {
        f"{IF}.2": text(more.get("descr", name)),
        f"{IF}.5": encode_integer(low, GAUGE),
        f"{IF}.7": encode_integer(more.get("admin", 1)),
        f"{IF}.8": encode_integer(more.get("oper", 1)),
        f"{IF}.10": encode_integer(octets % 2**32, COUNTER32),
        f"{IF}.16": encode_integer(octets % 2**32, COUNTER32),
        f"{IFX}.1": text(name),
        f"{IFX}.6": encode_integer(wide, COUNTER64),
        f"{IFX}.10": encode_integer(wide, COUNTER64),
        f"{IFX}.15": encode_integer(high, GAUGE),
        f"{IFX}.18": text(more.get("alias", "")),
    }
    return {f"{column}.{index}": value for column, value in row.items()}


class Seen:
    """What became of the polls."""

    def __init__(self, texts: list[str], hour: dict[str, Any], live: dict[str, Any], refused: dict[str, int]) -> None:
        self.texts, self.hour, self.live, self.refused = texts, hour, live, refused

    def of(self, metric: str, place: int = -1) -> dict[str, float]:
        """A metric of one poll by its labels."""
        lines = [line for line in self.texts[place].splitlines() if line.startswith(f"{metric}{{")]
        return {line[line.index("{") : line.rindex(" ")]: float(line.rsplit(" ", 1)[1]) for line in lines}

    def one(self, metric: str, place: int = -1) -> float | None:
        return next(iter(self.of(metric, place).values()), None)

    @property
    def names(self) -> list[set[str]]:
        """The interfaces that have counters, poll by poll."""
        found = [self.of("bairro_interface_receive_bytes_total", place) for place in range(len(self.texts))]
        return [{labels.split('interface="')[1][:-2] for labels in each} for each in found]

    @property
    def increase(self) -> float:
        """What increase() makes of the uplink's counter over all scrapes."""
        values = [self.one("bairro_interface_receive_bytes_total", n) for n in range(len(self.texts))]
        shown = [value for value in values if value is not None]
        return sum(new - old if new >= old else new for old, new in itertools.pairwise(shown))


Watch = Callable[..., Seen]


@pytest.fixture
def watch(tmp_path: Path, serve: Serve) -> Watch:
    """Polls an agent so often with a real poller, and takes each reading through all stages."""

    def run(rows: Rows, *, polls: int = 20, uplink: str | None = "eth0", role: str = "router") -> Seen:
        mib = Mib(rows(0.0))
        agent = serve(answering(mib.answer))
        device = Device("d1", "127.0.0.1", role, "A", port=agent.port, ping="off", uplink_interface=uplink)  # type: ignore[arg-type]
        (tmp_path / "collector.toml").write_text(
            'inventory = "devices.csv"\ndata = "data"\n[poll]\ninterval_seconds = 5\n[degradation]\nwindow_seconds = 25\n'
        )
        settings = config.load(tmp_path / "collector.toml")
        incidents = IncidentLog(f"sqlite:///{tmp_path}/nowhere/x.sqlite", tmp_path / "journal")
        pipeline = Pipeline(settings, [device], incidents=incidents, ask=lambda _: None, at=START)

        async def watched() -> list[str]:
            poller, texts = Poller(QUICK, PingSettings(), [Credential("default")], load_profiles()), []
            await poller.open()
            for number in range(polls):
                mib.replace(rows(number * INTERVAL))
                answered: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
                poller.start(device, answered.set_result)
                at = START + number * INTERVAL
                pipeline.take(device, (await asyncio.wait_for(answered, 60))._replace(at=at))
                pipeline.follow(pipeline.network.tick(at))
                texts.append(pipeline.exposition.render())
            await poller.close()
            await pipeline.live.write(START + polls * INTERVAL)
            await pipeline.history.flush(START + 3 * 3600)
            return texts

        texts = asyncio.run(watched())
        incidents.close(0.1)
        files = sorted((settings.data / "quality").glob("date=*/*.parquet"))
        written = [row for path in files for row in pq.ParquetFile(path).read().to_pylist()]
        (hour,) = (row for row in written if row["hour"].timestamp() == START)
        assert list(hour) == list(QUALITY_HOURS.column_names)
        (live,) = pq.ParquetFile(pipeline.live.path).read().to_pylist()
        return Seen(texts, hour, live, dict(pipeline.beliefs.refused))

    return run


@pytest.mark.parametrize("role", ["router", "cpe"])
@pytest.mark.parametrize("glitch", [0, 2**64 - 1, 77, 2**63])
def test_a_counter_that_is_nonsense_in_one_poll_of_six(watch: Watch, glitch: int, role: str) -> None:
    def rows(elapsed: float) -> Objects:
        is_glitch = elapsed // INTERVAL % 6 == 5
        octets = glitch if is_glitch else 5 * 10**12 + int(elapsed * MB)
        return system(elapsed) | port(1, "eth0", 5 * 10**12 + int(elapsed * MB), wide=octets)

    seen = watch(rows, role=role)
    passed = 19 * INTERVAL * MB
    assert seen.one("bairro_area_receive_bytes_total") == passed
    assert seen.hour["receive_bytes"] == passed
    assert seen.live["receive_bytes_per_second"] == MB
    assert seen.increase == passed
    assert seen.refused == {"receive_bytes": 3, "transmit_bytes": 3}


@pytest.mark.parametrize("raw", [encode_integer(4294967231, GAUGE), encode_integer(-65)], ids=["unsigned", "signed"])
def test_a_level_below_zero_that_is_given_without_a_sign(watch: Watch, raw: bytes) -> None:
    def rows(elapsed: float) -> Objects:
        radio = {f"{AIROS}.5.1": raw, f"{AIROS}.8.1": encode_integer(-95), f"{AIROS}.7.1": encode_integer(92)}
        airos = {"1.3.6.1.2.1.1.2.0": encode_tlv(OBJECT, b"\x2b\x06\x01\x04\x01\xce\x12\x01")}
        return system(elapsed, words="Linux airOS") | airos | port(1, "eth0", 5) | radio

    seen = watch(rows, polls=3)
    assert seen.one("bairro_signal_received_dbm") == seen.hour["signal_dbm"] == seen.live["signal_dbm"] == -65
    assert seen.one("bairro_signal_noise_ratio_db") == seen.hour["signal_noise_db"] == 30


@pytest.mark.parametrize("role", ["router", "cpe"])
def test_a_second_row_of_the_uplinks_name(watch: Watch, role: str) -> None:
    def rows(elapsed: float) -> Objects:
        found = system(elapsed) | port(7, "Te1/5/7", 10**9 + int(elapsed * MB), descr="Ten 1/5/7", alias="to core")
        if elapsed >= 40:
            found |= port(160, "Te1/5/7", 10**8, descr="Ten 1/5/7-mpls layer")
        return found

    seen = watch(rows, uplink="Te1/5/7", role=role)
    assert seen.hour["receive_bytes"] == seen.increase == 19 * INTERVAL * MB
    assert seen.live["faults"] is None
    assert {name for names in seen.names for name in names} <= {"Te1/5/7", "Ten 1/5/7-mpls layer"}


@pytest.mark.parametrize("role", ["router", "cpe"])
def test_an_uplink_that_leaves_the_table_and_comes_back(watch: Watch, role: str) -> None:
    def rows(elapsed: float) -> Objects:
        found = system(elapsed) | port(2, "ge2", int(elapsed * 10**5))
        return found if 40 <= elapsed < 80 else found | port(1, "xe-0/0/0", 10**9 + int(elapsed * MB))

    seen = watch(rows, uplink="xe-0/0/0", role=role)
    faults = ["uplink_missing" in "".join(seen.of("bairro_device_fault", n)) for n in range(20)]
    assert faults == [10 <= n < 16 for n in range(20)], "from the third poll without it to the first with it"
    assert seen.live["state"] == "up"


def test_an_uplink_that_was_never_there(watch: Watch) -> None:
    seen = watch(lambda elapsed: system(elapsed) | port(2, "ge2", 5), uplink="ge20", polls=4)
    assert seen.of("bairro_device_fault") == {'{device="d1",fault="uplink_missing"}': 1}
    assert seen.live["faults"] == ["uplink_missing"]
    assert seen.hour["receive_bytes"] is None


def test_a_clock_that_steps_back_by_21_seconds_again_and_again(watch: Watch) -> None:
    def rows(elapsed: float) -> Objects:
        return system(elapsed, DAY - 21 * (elapsed // 20 % 2)) | port(1, "eth0", 10**9 + int(elapsed * MB))

    seen = watch(rows)
    assert seen.one("bairro_device_restarts_total") == seen.hour["restarts"] == 0
    assert seen.hour["receive_bytes"] == 19 * INTERVAL * MB
    assert seen.live["faults"] is None


def test_a_clock_that_is_a_text_is_none(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    """The number that it begins with may be of days."""

    def rows(elapsed: float) -> Objects:
        clock = {"1.3.6.1.2.1.1.3.0": text("1 day, 2:03:04")}
        return system(elapsed) | clock | port(1, "eth0", 10**9 + int(elapsed * MB))

    seen = watch(rows, polls=8, role="cpe")
    assert seen.of("bairro_device_uptime_seconds") == {}
    assert seen.hour["receive_bytes"] == 7 * INTERVAL * MB
    assert "sysUpTime.0 cannot be read: a value that its object cannot have" in caplog.text


def test_two_devices_that_answer_in_turn(watch: Watch) -> None:
    def rows(elapsed: float) -> Objects:
        if elapsed // INTERVAL % 2:
            return system(elapsed, 40_000) | port(1, "eth0", 7 * 10**11 + int(elapsed * 3 * MB))
        return system(elapsed, DAY) | port(1, "eth0", 5 * 10**12 + int(elapsed * MB))

    seen = watch(rows)
    assert seen.of("bairro_device_fault") == {'{device="d1",fault="two_devices"}': 1}
    assert seen.live["faults"] == ["two_devices"]
    assert seen.one("bairro_device_restarts_total") == 0
    assert (seen.hour["receive_bytes"] or 0) <= 19 * INTERVAL * MB
    assert seen.increase <= 19 * INTERVAL * MB
    assert seen.names[-1] == set()


@pytest.mark.parametrize(
    ("high", "low", "speed", "is_full"),
    [(10**8, 10**8, 12.5e6, True), (100, 100_000, 12.5e6, True), (10, 10**7, None, False)],
    ids=["ifHighSpeed in bit/s", "ifSpeed in kbit/s", "a tenth of what is measured"],
)
def test_a_speed_that_the_evidence_denies(
    watch: Watch, caplog: pytest.LogCaptureFixture, high: int, low: int, speed: float | None, is_full: bool
) -> None:
    def rows(elapsed: float) -> Objects:
        return system(elapsed) | port(1, "eth0", 10**9 + int(elapsed * 12 * MB), high=high, low=low)

    caplog.set_level(logging.WARNING)
    seen = watch(rows, polls=30)
    assert seen.one("bairro_interface_speed_bytes_per_second") == speed
    assert seen.hour["receive_bytes"] == 29 * INTERVAL * 12 * MB
    assert seen.hour["utilization_p95_ratio"] == (pytest.approx(0.96) if speed else None)
    assert seen.live["degraded"] == (["saturation"] if is_full else None)
    assert ("it is taken for 100 Mbit/s" in caplog.text) is (speed is not None)


@pytest.mark.parametrize("role", ["router", "cpe"])
def test_64_bit_counters_that_stand_at_zero(watch: Watch, role: str) -> None:
    def rows(elapsed: float) -> Objects:
        return system(elapsed) | port(1, "eth0", 2**32 - 40 * MB + int(elapsed * MB), wide=0)

    seen = watch(rows, role=role)
    assert seen.hour["receive_bytes"] == 19 * INTERVAL * MB, "past the end of the 32-bit counter"


@pytest.mark.parametrize("role", ["router", "cpe"])
@pytest.mark.parametrize("stops", [0, 8], ids=["from the first", "after a while"])
def test_64_bit_counters_that_stand_elsewhere(
    watch: Watch, caplog: pytest.LogCaptureFixture, role: str, stops: int
) -> None:
    """Within a few polls the 32-bit pair is read; the polls until then are lost, and no byte is made up."""

    def rows(elapsed: float) -> Objects:
        counted = 5 * 10**12 + int(elapsed * MB)
        return system(elapsed) | port(1, "eth0", counted, wide=min(counted, 5 * 10**12 + int(stops * INTERVAL * MB)))

    seen = watch(rows, role=role)
    assert 19 - 8 <= seen.hour["receive_bytes"] / (INTERVAL * MB) <= 19
    assert "ifHCInOctets and ifHCOutOctets stand still, so the 32-bit counters are read" in caplog.text


@pytest.mark.parametrize("resumes", ["where it should be", "where it stood"])
@pytest.mark.parametrize("role", ["router", "cpe"])
def test_64_bit_counters_that_stand_and_come_back(watch: Watch, role: str, resumes: str) -> None:
    """To who takes rates from /metrics neither change of the width is bytes: of both pairs only what each has counted."""
    stands, again, polls = 8, 20, 40

    def rows(elapsed: float) -> Objects:
        number, counted = elapsed // INTERVAL, 5 * 10**12 + int(elapsed * MB)
        stood = 5 * 10**12 + int(stands * INTERVAL * MB)
        back = counted if resumes == "where it should be" else stood + int((number - again) * INTERVAL * MB)
        wide = counted if number < stands else stood if number < again else back
        learnt_anew = 21 if number >= again else 0
        return system(elapsed, DAY - learnt_anew) | port(1, "eth0", counted, wide=wide)

    seen = watch(rows, role=role, polls=polls)
    passed = (polls - 1) * INTERVAL * MB
    assert 0.5 * passed < seen.increase <= passed
    assert 0.5 * passed < seen.hour["receive_bytes"] <= passed


@pytest.mark.parametrize("role", ["router", "cpe"])
@pytest.mark.parametrize("others", [0, 1], ids=["alone", "beside one with a name"])
def test_a_row_that_nothing_names_is_called_by_its_number(watch: Watch, role: str, others: int) -> None:
    def rows(elapsed: float) -> Objects:
        found = port(7, "", 10**9 + int(elapsed * MB))
        named = port(1, "eth0", 10**8) if others else {}
        return system(elapsed) | {oid: value for oid, value in found.items() if value != text("")} | named

    seen = watch(rows, role=role, uplink="#7", polls=6)
    assert seen.names == [{"#7", *(["eth0"] * others)}] * 6
    assert seen.hour["receive_bytes"] == seen.one("bairro_area_receive_bytes_total") == 5 * INTERVAL * MB
    assert seen.live["faults"] is None


SPEEDS = {
    "both are 0": (0, 0),
    "only ifHighSpeed is 0": (0, 10**9),
    "only ifSpeed is 0": (1000, 0),
    "0 in every other poll": (None, None),
}


@pytest.mark.parametrize("role", ["router", "cpe"])
@pytest.mark.parametrize("speeds", SPEEDS)
@pytest.mark.parametrize("wide", [True, False], ids=["64 bits", "32 bits"])
def test_a_speed_of_0_costs_no_bytes(watch: Watch, wide: bool, speeds: str, role: str) -> None:
    high, low = SPEEDS[speeds]

    def rows(elapsed: float) -> Objects:
        is_told = elapsed // INTERVAL % 2 == 0
        told = (1000, 10**9) if is_told else (0, 0)
        found = port(
            1,
            "eth0",
            10**8 + int(elapsed * MB),
            high=told[0] if high is None else high,
            low=told[1] if low is None else low,
        )
        narrow = {oid: value for oid, value in found.items() if not oid.startswith((f"{IFX}.6.", f"{IFX}.10."))}
        return system(elapsed) | (found if wide else narrow)

    seen = watch(rows, role=role, polls=8)
    assert seen.hour["receive_bytes"] == seen.increase == 7 * INTERVAL * MB


def test_ports_that_are_shut_and_an_uplink_that_is(watch: Watch) -> None:
    def rows(elapsed: float) -> Objects:
        admin, oper = (2, 2) if elapsed >= 25 else (1, 1)
        return system(elapsed) | port(1, "eth0", 5, admin=admin, oper=oper) | port(2, "eth1", 5, oper=2)

    seen = watch(rows, polls=10)
    admin, oper = (
        {labels.split('interface="')[1][:-2]: value for labels, value in seen.of(f"bairro_interface_{name}").items()}
        for name in ("admin_up", "up")
    )
    assert admin == {"eth0": 0, "eth1": 1}
    assert oper == {"eth0": 0, "eth1": 0}
    assert seen.live["faults"] == ["uplink_shut"]
