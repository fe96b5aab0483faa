"""Texts of devices all the way to /metrics: whatever their encoding, each stays one valid line."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_classic

from collector.config import MetricsSettings
from collector.poll.objects.interfaces import interface_rows
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import Value, encode_subids, encode_tlv
from collector.publish.exposition.content_negotiation import CLASSIC, OPENMETRICS, Form
from collector.publish.exposition.page import Exposition
from collector.reading import Reading

from .agents import Mib, Serve, answering, device, poll, router

ALIAS = "1.3.6.1.2.1.31.1.1.1.18"
TABLE = load_profiles()["generic"].tables[0]
ODD = {
    "latin-1": ("Ligação à rede".encode("latin-1"), "Ligação à rede"),
    "utf-8": ("Ligação à rede".encode(), "Ligação à rede"),
    "utf-16": ("north".encode("utf-16"), "ÿþn o r t h"),
    "NULs": (b"\0\0a\0b\0\0", "a b"),
    "control characters": (b"\x1b[31m\rone\x85\x0c\x7ftwo\n", "[31m one two"),
    "separators of lines": ("one\u2028two\u2029".encode(), "one two"),
    "breaks out": (b'"} 1\nbairro_device_up{device="x"} 0 # EOF', '"} 1 bairro_device_up{device="x"} 0 # EOF'),
    "backslashes": (b'\\n\\"\\\\', '\\n\\"\\\\'),
    "half a surrogate pair": (b"\xed\xa0\x80", "í"),
    "huge": (b"x" * 30_000, "x" * 255),
    "emoji": ("📡".encode(), "📡"),
}


def aliases(exposition: Exposition, form: Form) -> dict[str, str]:
    """Interface -> alias, by prometheus_client's parser of the form."""
    text = exposition.render(form) + form.end.decode()
    parse = parse_openmetrics if form.is_openmetrics else parse_classic
    assert text.count("bairro_interface_info{") == sum(
        line.startswith("bairro_interface_info{") for line in text.split("\n")
    )
    found = [sample for family in parse(text) for sample in family.samples]
    assert len(found) == sum(not line.startswith("#") for line in text.rstrip("\n").split("\n"))
    return {s.labels["interface"]: s.labels["alias"] for s in found if s.name == "bairro_interface_info"}


@pytest.mark.parametrize("form", [CLASSIC, OPENMETRICS], ids=["classic", "OpenMetrics"])
def test_aliases_of_an_agent_come_out_whole(serve: Serve, form: Form) -> None:
    rows = {f"{ALIAS}.{n}": encode_tlv(0x04, raw) for n, (raw, _) in enumerate(ODD.values(), 1)}
    served = serve(answering(Mib(router(len(ODD)) | rows).answer))
    asked = device(served.port)
    reading = poll(asked).reading
    exposition = Exposition(MetricsSettings(), [asked])
    exposition.update(reading, restarted=False, traffic=None)
    shown = aliases(exposition, form)
    assert list(shown.values()) == [text for _, text in ODD.values()]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4))
@example([b"x" * 65_536, b"\xff" * 65_536])
@example([raw for raw, _ in ODD.values()])
def test_any_bytes_as_names_and_aliases_stay_one_line(texts: list[bytes]) -> None:
    cells: dict[str, dict[bytes, Value]] = {column.name: {} for column in TABLE.columns}
    for index, raw in enumerate(texts, 1):
        cells["ifName"][encode_subids((index,))] = raw
        cells["ifAlias"][encode_subids((index,))] = raw
        cells["ifHCInOctets"][encode_subids((index,))] = index
    found = interface_rows.interfaces(TABLE, cells, interface_rows.name_interfaces(TABLE, cells))
    asked = device(1)
    exposition = Exposition(MetricsSettings(), [asked])
    exposition.update(Reading(asked.device_id, 1.0, 1.0, "answered", interfaces=found), restarted=False, traffic=None)
    for form in (CLASSIC, OPENMETRICS):
        assert aliases(exposition, form) == {i.name: i.alias for i in found if i.alias}
