"""`bairro explain DEVICE`: one device is asked once; question, answer, reading and state are put in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from collector.bounds import FIELDS
from collector.config import CollectorSettings
from collector.credentials import Credential, credentials_of
from collector.inventory import devices_file, found_uplinks
from collector.poll import reading_text
from collector.poll.explain import Explanation
from collector.poll.explain import explain as ask
from collector.poll.snmp.engine import TIMEOUT
from collector.publish.live.live_file import read_state
from collector.quality.counters.oddities import ODDITIES
from collector.quality.counters.uplink import uplink_of
from collector.reading import Device, ProbeReading, Reading, SignalReading

EXIT_OK, EXIT_SILENT, EXIT_UNUSABLE = 0, 1, 2
MOST_NAMED = 10
LONGER = "give it a longer timeout_seconds in its row, its credential or its profile"
LIMITED = ("(poll.budget_seconds)", "rows", "bytes")
"""What the failure of a walk ends with that a limit has cut."""
WORDS = {"suppressed": "behind an outage"}
"""What a state is called where pages call it otherwise than metrics and tables."""


def explain(settings: CollectorSettings, device_id: str) -> tuple[str, int]:
    """The text to print and the exit code: 0 it answered, 1 it did not, 2 it could not be asked.

    A device that answers pings but not its SNMP question has not answered.
    """
    found = devices_file.load(settings.inventory, settings)
    device = next((d for d in found.devices if d.device_id == device_id), None)
    if device is None:
        return _unknown(settings, found, device_id), EXIT_UNUSABLE
    explanation = ask(device, settings)
    row = read_state(settings.data, device.device_id)
    said = _outage_above(row, explanation) + verdict(
        explanation, credentials_of(device.credential, settings.credentials)
    )
    kept = found_uplinks.read(settings.data).get(device_id)
    if kept is not None and kept.interface == device.uplink_interface:
        said += f"; bairro uplinks found this uplink: {kept.why}"
    parts = [
        _device(device),
        str(explanation) + impossible(explanation.reading),
        _state(row),
        f"verdict\n  {said}",
    ]
    return "\n\n".join(parts), EXIT_OK if _answered(explanation.reading) else EXIT_SILENT


def _answered(reading: Reading) -> bool:
    return bool(reading.is_reachable) if reading.snmp == "off" else reading.snmp in ("answered", "partial")


def _unknown(settings: CollectorSettings, found: devices_file.Inventory, device_id: str) -> str:
    lines = [f"bairro explain: {device_id!r} is not in {settings.inventory}"]
    near = [d.device_id for d in found.devices if device_id.lower() in d.device_id.lower()]
    if near:
        lines.append(f"  like it: {', '.join(near[:MOST_NAMED])}")
    lines += [f"  {problem}" for problem in found.problems[:MOST_NAMED]]
    return "\n".join(lines)


def _device(device: Device) -> str:
    shown = {name: value for name, value in asdict(device).items() if value is not None}
    return "\n".join(["device", *(f"  {name} = {reading_text.value(value)}" for name, value in shown.items())])


def _outage_above(row: Mapping[str, Any] | None, explanation: Explanation) -> str:
    """Said first of a device that does not answer and that the collector holds to be cut off by another."""
    device, reading = explanation.device, explanation.reading
    is_behind = row is not None and row["state"] == "suppressed" and row["root"] not in (None, device.device_id)
    if row is None or not is_behind or not reading.sent or _answered(reading):
        return ""
    return f"an outage above it is open ({row['root']}), as the collector last wrote; "


def _state(row: Mapping[str, Any] | None) -> str:
    """What the running collector last believed, from the device's row of its live table."""
    if row is None:
        return "state\n  no collector has published a state for this device yet"
    since = f"since {row['since']:%Y-%m-%d %H:%M:%S} UTC"
    root = f", attributed to {row['root']}" if row["root"] else ""
    polled = f"; last polled {row['polled_at']:%H:%M:%S}" if row["polled_at"] else "; not polled yet"
    ails = [word.replace("_", " ") for word in (*(row["degraded"] or ()), *(row["faults"] or ()))]
    ailing = f"; ails: {', '.join(ails)}" if ails else ""
    state = WORDS.get(row["state"], row["state"])
    odd = "".join(
        f"\n  its uplink's counters: {ODDITIES.get(kind, kind)}" for kind in row.get("counter_oddities") or ()
    )
    return f"state (as the collector last wrote it)\n  {state} {since}{root}{polled}{ailing}{odd}"


def verdict(explanation: Explanation, credentials: Sequence[Credential]) -> str:
    """One sentence on how it went, and what to look at if it went badly."""
    device, reading = explanation.device, explanation.reading
    echoes = reading.echoes
    pings = ""
    if echoes is not None and echoes.sent:
        pings = f"; {echoes.sent - echoes.lost} of {echoes.sent} pings came back"
    if not reading.sent:
        return f"this host could not send: {reading.failure or 'no reason given'}; look at its routes and interfaces"
    if reading.snmp == "silent":
        return _silent(device, explanation, credentials) + pings
    if reading.snmp == "refused":
        return f"the agent refuses the request: {reading.failure or 'no reason given'}{pings}"
    words = {"answered": "SNMP answered", "partial": "SNMP answered only in part", "off": "SNMP is off for this device"}
    failure = f" ({reading.failure})" if reading.failure else ""
    more = _lateness(explanation) + _oddities(explanation) + _uplink(device, reading) + _twins(explanation)
    return words[reading.snmp] + failure + more + pings


def _lateness(explanation: Explanation) -> str:
    """That answers take longer than a try waits, as far as it shows, and which setting is for that."""
    reading, timeout = explanation.reading, explanation.timeout_seconds
    if timeout is None or reading.snmp == "off":
        return ""
    if (reading.snmp_rtt_seconds or 0.0) > timeout:
        said = f"; its answers come late, after {reading.snmp_rtt_seconds:.1f} s, while a try waits {timeout:g} s: {LONGER}"
        return f"{said}; if that is not enough, raise poll.budget_seconds" if reading.snmp == "partial" else said
    if (reading.failure or "").endswith(TIMEOUT):
        return f"; a request had no answer within {timeout:g} s a try: if its answers are slow, {LONGER}"
    return ""


def _oddities(explanation: Explanation) -> str:
    """What was read in spite of the agent."""
    said = ""
    if explanation.damaged:
        count = sum(explanation.damaged.values())
        said += f"; {count} value{'s' if count > 1 else ''} could not be read (absent; the others count)"
    if explanation.bulk_trouble:
        said += f"; its tables were walked by GETNEXT, since GETBULK {explanation.bulk_trouble}"
    return said


def _silent(device: Device, explanation: Explanation, credentials: Sequence[Credential]) -> str:
    reading = explanation.reading
    if reading.failure and reading.failure.startswith("address"):
        return reading.failure
    where = f"{device.address}:{device.port}"
    if explanation.rejected.keys() == {"wrong_address"} and explanation.strangers:
        sender = next(iter(explanation.strangers.values()))
        return (
            f"answers came, but from {sender} instead of {device.address}, and are not taken: anybody could send them; "
            f"if {sender} is an address of this device, write it into its column reply_from"
        )
    if explanation.rejected:
        reasons = ", ".join(sorted(explanation.rejected))
        return f"packets came back but none was a valid answer ({reasons})"
    communities = [repr(credential.name) for credential in credentials if credential.version != "3"]
    if reading.echoes is not None and reading.echoes.lost < reading.echoes.sent:
        likely = "SNMP is off or filtered"
        if communities:
            likely = f"most likely {_community(communities)}, or {likely}"
        return f"SNMP at {where} does not answer although the device is there: {likely}"
    causes = ["the device is off or unreachable", "its SNMP is off or filtered"]
    if communities:
        causes.append(_community(communities))
    return f"no answer from {where}: {', '.join(causes[:-1])}, or {causes[-1]}"


def _community(names: Sequence[str]) -> str:
    """A version 3 agent says that it does not know a user; the others do not."""
    whose = f"credential {names[0]}" if len(names) == 1 else f"credentials {', '.join(names)}"
    return f"the community of {whose} is wrong (an agent does not answer one that it does not know)"


def _uplink(device: Device, reading: Reading) -> str:
    found, wanted = uplink_of(device, reading.interfaces), device.uplink_interface
    if found is not None:
        if found.is_admin_up is False:
            return f"; its uplink {found.name!r} is shut (ifAdminStatus): an operator did that"
        if found.is_up is False:
            return f"; its uplink {found.name!r} is down (ifOperStatus)"
        return "" if wanted is not None else f"; its traffic is that of {found.name!r}: no other can be its uplink"
    single = [interface.name for interface in reading.interfaces if interface.summed_rows is None]
    names = ", ".join(single[:MOST_NAMED])
    if wanted is not None and reading.snmp == "answered":
        only = f"only: {names}" if names else "and no other"
        return f"; but it has no interface {wanted!r} (uplink_interface), {only}"
    if wanted is not None:
        said = f"; its uplink {wanted!r} (uplink_interface) is not among what was read{_limit(reading)}"
        return said if reading.snmp == "partial" else ""
    return f"; to measure its traffic, name one of its interfaces as uplink_interface: {names}" if names else ""


def _twins(explanation: Explanation) -> str:
    return f"; {explanation.uplink_twins}" if explanation.uplink_twins else ""


def _limit(reading: Reading) -> str:
    """Which limits cut a table before the uplink, and so are to be raised."""
    failure = reading.failure or ""
    if not (failure.startswith("ifTable") and failure.endswith(LIMITED)):
        return ""
    return (
        ": the table of interfaces was cut before it. Raise poll.max_rows above the number of its rows, and if that is not "
        "enough poll.budget_seconds" + (" and poll.max_answer_bytes" if failure.endswith("bytes") else "")
    )


def impossible(reading: Reading) -> str:
    """What of the reading cannot be, which no metric shows and no history keeps."""
    told = [*_beyond(reading.signals), *_beyond(reading.probes)]
    return "\n  ".join(["\n\nnot plausible, so left out of metrics and history", *told]) if told else ""


def _beyond(records: Sequence[SignalReading] | Sequence[ProbeReading]) -> Iterator[str]:
    for record in records:
        for field, value in record._asdict().items():
            bound = FIELDS.get(field)
            if bound is not None and value is not None and not bound.holds(value):
                yield f"{record[0]}: {field} {value:g} is beyond {bound.least:g} to {bound.most:g}: {bound.reason}"
