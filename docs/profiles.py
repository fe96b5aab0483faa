"""Writes docs/profiles.md from the packaged profiles: ``python docs/profiles.py > docs/profiles.md``."""

from __future__ import annotations

import sys

from collector.poll.profile import (
    INTERFACE_FIELDS,
    KINDS,
    MEMORY_HELPERS,
    PART_FIELDS,
    PROBE_FIELDS,
    SCALAR_FIELDS,
    SIGNAL_FIELDS,
    Profile,
)
from collector.poll.profile_files import BUILT_IN, load_profiles

OPENING = f"""# Profiles

Made by `python docs/profiles.py > docs/profiles.md`; a test fails where it differs from the packaged profiles.

A profile says what to ask of one kind of device, as data: a TOML file in `collector/profiles/`, or in the folder that
`profiles` in `collector.toml` names (one of the same file name replaces the packaged one). All profiles that apply to a
device are used together: those for every device, and those that match what it says about itself. If the
inventory names a `profile`, that one is used instead of the matching ones. Readings of objects that a device lacks are null,
never 0.

- `bairro profile test RECORDING.snmprec` shows what a recording of a device yields: which profiles apply and why, its
  interfaces, its signals, its own probes, and what was asked for and is not there.
- `bairro capture DEVICE` makes such a recording with one device of the inventory. Names, addresses, serial numbers and
  communities are replaced or left out, and it says how many of each; the same text always gets the same replacement.
- `bairro explain DEVICE` shows the same of a live device, packet by packet.

## Format

| key | what it is |
|---|---|
| `title` | what the profile is for, in words; required |
| `match` | which devices it is for (below); without it only those of which the inventory names it |
| `scalars` | objects that a device has once (`[[scalars]]`, one table each) |
| `tables` | objects that a device has by rows (`[[tables]]`, one table each) |
| `measures` | measures of its own (`[[measures]]`, one table each; below) |
| `timeout_seconds` | how long to wait for an answer of a slow kind of device, instead of `[poll]`'s |
| `max_repetitions` | how many rows one GETBULK may ask such a device for, as in [settings](settings.md#devices-that-need-something-else) |
| `max_reply_bytes` | how many bytes a reply of it may have; the same there |
| `requests_per_second` | how many requests a second it gets at most; the same there |
| `getnext` | whether it is asked by GETNEXT instead of GETBULK; the same there |
| `interfaces` | which interfaces of such a device get series of their own, as in [settings](settings.md#interfaces) |
| `retries` | how often to ask a slow kind again, instead of `[poll]`'s |

`[match]`: any one of these is enough.

| key | what it is |
|---|---|
| `object_ids` | sysObjectID is one of these or below |
| `descriptions` | sysDescr contains a match of one of these regular expressions |
| `answers` | the device has an object below one of these: for those that call themselves what others do. All profiles' branches are asked for by one GETNEXT when a device is learnt, which is about hourly |
| `lacks` | a device that has an object below one of these is not meant, whatever else it says |
| `every_device` | `true`: it applies to all |

`[[tables]]`: columns that are walked together.

| key | what it is |
|---|---|
| `name` | the table's name; no two profiles that apply to one device may share one |
| `rows` | `interfaces`, `signals`, `probes` (those that the device runs itself) or `parts` |
| `columns` | its objects (`[[tables.columns]]`, one table each) |
| `channel` | of signals and parts: what goes before the name of each row's channel or part |
| `only` | of parts: only rows whose name contains a match of this regular expression |
| `kinds` | of parts: what the field `value` of a row is, by its `kind` (below); rows of other kinds are left out |
| `leave_out` | of interfaces: rows whose whole name matches are skipped, since another table has them |

One table here may hold columns of several MIB tables, if their rows have the same index or a device has only
one of them: one walk is cheaper than two. A row is named by its first text column. Rows of the same name are distinguished by their index.
A row without a text column is named by its index (read as text where it consists of text).

`[[scalars]]` and `[[tables.columns]]`:

| key | default | what it is |
|---|---|---|
| `name` | required | the object's published name; a scalar's with its instance |
| `oid` | required | its numbers; a scalar's with its instance |
| `field` | required | what it becomes (below) |
| `source` | required | where it is published: RFC or vendor, and MIB |
| `unit` | `""` | the unit on the wire |
| `multiplier` | `1` | a number is multiplied, |
| `divisor` | `1` | then divided, |
| `offset` | `0` | then this is added. Where a device sends a text that begins with a number, it is that number |
| `milliwatts` | `false` | the result so far is a power in milliwatts and becomes dBm; none where it is not above 0 |
| `below_zero_divisor` | `1` | with `milliwatts`: devices that send dBm send numbers below 0, divided by this |
| `dark_dbm` | none | what an optical receiver shows, at most, without light: a channel so dark is never the worst |
| `absent` | `[]` | numbers on the wire that mean *no value* |
| `values` | `{{}}` | names of an enumeration's numbers |
| `true` | `[]` | those of them that mean yes |
| `unknown` | `[]` | those of them that mean no answer |
| `bits` | `0` | 32 or 64: the width of a counter that is kept as it is |
| `rarely` | `false` | of interfaces: asked at the first poll, then about hourly or when a row has changed |
| `instead_of` | none | the object that this one replaces if a row or the device lacks it; it must come after that one |
| `channel` | none | makes a scalar a signal of this channel, or names its part |
| `index_ends` | `""` | of signals and probes: only rows whose index ends with these numbers, which are then no part of it, so that one object can be several columns |

Fields of a scalar: {", ".join(f"`{name}`" for name in SCALAR_FIELDS)}; with `channel` those of a signal.
Fields of an interface: {", ".join(f"`{name}`" for name in INTERFACE_FIELDS)}.
Fields of a signal: {", ".join(f"`{name}`" for name in SIGNAL_FIELDS)}. A device's signal in the history is that of its
worst channel that is not dark. Of a cellular channel RSSI is `received_dbm`; its level in the history is `rsrp_dbm` and its
ratio `sinr_db`, where it has them. Noise margins of DSL lines are in `noise_ratio_db`. If a device gives level and noise but no ratio,
the ratio is their difference. Power in dBmV over 75 ohm is dBm less 48.75.
Fields of a probe, of its last test: {", ".join(f"`{name}`" for name in PROBE_FIELDS)}. What was sent and not received is
lost; where neither that nor `loss_ratio` is given, `is_answered` counts as one packet. A test in which nothing came back has no round trip. Where
`is_in_microseconds` is yes the device's times are a thousandth of what their column says.

## Parts: health, and measures of your own

Processors, memories, temperatures, voltages, fans and power supplies are parts of a device. They are asked for once in
`health_every_polls` polls, after all else, so that polls stay cheap; between these looks the last values are shown.
They become `bairro_device_...{{device, part}}` in `/metrics`, and the worst of each device stands in the live table and in
its hours.

Fields of a part: {", ".join(f"`{name}`" for name in PART_FIELDS)}; and the names of `[[measures]]`. Any two of
{", ".join(f"`{name}`" for name in MEMORY_HELPERS)}, in one unit, make `memory_ratio`; several scalars that are free add up.
A row whose `is_in_use` is no is left out. Where one column holds values of several kinds, `kind` says of which a row is, and
`kinds` what that (or, of a kind that is not in it, the text `units`) makes of `value`: one of {", ".join(f"`{name}`" for name in KINDS)} or a measure of your own,
divided (`voltage_volts/10`) or turned around (`!fan_ok`) where it needs to be. `level_dbm` and `level_watts` are optical levels where the row's name
says which way the light goes; other watts are `power_watts`. `scale` and `precision` are those of RFC 3433.

`[[measures]]` declares what a device of yours measures besides, with no line of Python:

```toml
[[measures]]
name = "fuel_level_ratio"
unit = "ratio"
type = "gauge"
help = "Fuel in the tank of the generator."

[[scalars]]
name = "genFuelLevel.0"
oid = "1.3.6.1.4.1.99999.7.1.0"
field = "fuel_level_ratio"
unit = "percent"
divisor = 100
source = "the generator's MIB"
```

It becomes `bairro_measure_fuel_level_ratio{{device}}` in `/metrics`, of kind `type` (`gauge`, which is what it is without the key, or
`counter`, whose name ends in `_total`), and an entry of `measures` in the live table. `unit`, where it is given, must end the name. A
name that Prometheus's rules do not allow is refused with file, line and field.

## What is left alone, and why

- What the far end of a link hears, where that end is a device of its own: an AF60's remote levels, the second row of a
  SAF CFIP, the clients of an access point.
- Levels of neighbours' networks, which LANCOM LCOS lists beside its own.
- Numbers that stand for no value, such as the -150 dBm of a Radwin without a link or the 0 dBm RSRP of a cellular port that
  is not in service.
- Figures with a meaning of the vendor's own: the number of a modulation, the signal strength ratio of a Cambium PTP, a bit
  error ratio, the level that a television amplifier gives to its cable.
- What is said twice: the sum of both directions' rates, the highest rate that a licence allows, the power that is set
  beside the power that is sent, the quality of the other direction where a radio gives both.

Tests hold the profiles to 207 core signals (radio, optical, DOCSIS) that another monitor finds in 81 recordings: at least nine
in ten must be shown with its value, unit and sign.

## Packaged profiles
"""


def main() -> None:
    """Print the whole document."""
    sys.stdout.write(document())


def document() -> str:
    """The text of docs/profiles.md."""
    return OPENING + "".join(f"\n{_section(name, profile)}" for name, profile in load_profiles().items())


def _section(name: str, profile: Profile) -> str:
    comment = [line[1:].strip() for line in (BUILT_IN / f"{name}.toml").read_text().splitlines() if line[:1] == "#"]
    match = profile.match
    told = ["every device"] if match.every_device else [f"sysObjectID `{prefix}`" for prefix in match.object_ids]
    told += [f"a device that has `{oid}`" for oid in match.answers]
    told += [f"sysDescr `{pattern.replace('|', '&#124;')}`" for pattern in match.descriptions]
    lines = [
        f"### {name}: {profile.title}\n",
        " ".join(comment) + "\n",
        f"For {' or '.join(told) or 'no device unless named'}.\n",
    ]
    rows = [("", scalar) for scalar in profile.scalars]
    rows += [(table.name, column) for table in profile.tables for column in table.columns]
    if rows:
        lines += ["| object | numbers | field | published in |", "|---|---|---|---|"]
    lines += [f"| {source.name} | {source.oid} | `{source.field}` | {source.source} |" for _, source in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
