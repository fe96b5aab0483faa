"""`bairro discover`: its arguments, what it asks, and what it prints and writes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector import counted

if TYPE_CHECKING:
    from collector.commands.discover.found import Found
    from collector.commands.discover.proposal import Proposal
    from collector.commands.discover.survey import Asked, Survey
    from collector.config import CollectorSettings

EXIT_OK, EXIT_PROBLEMS, EXIT_UNUSABLE = 0, 1, 2
PACE = 500.0
MOST_SHOWN = 20


def add_to(commands: Any, parent: argparse.ArgumentParser) -> None:
    """Add the command to bairro's."""
    command = commands.add_parser(
        "discover", parents=[parent], help="find the devices of a network and propose devices.csv"
    )
    add = command.add_argument
    what_for = "ask every address of these: 10.0.0.0/22, 10.0.0.1-10.0.0.40 or one address"
    add("--from", dest="ranges", nargs="+", default=[], metavar="RANGE", help=what_for)
    add("--seed", nargs="+", default=[], metavar="ADDRESS", help="begin here and follow what devices say of others")
    what_for = "with --seed: the ranges in which neighbours may be asked"
    add("--within", nargs="+", default=[], metavar="RANGE", help=what_for)
    add("--public", action="store_true", help="the ranges are yours although they are public addresses")
    add("--port", type=int, default=161, help="the agents' UDP port; default: 161")
    add(
        "--core",
        metavar="DEVICE",
        help="the name or address of the device on top; default: found by the default routes",
    )
    add("--area-pattern", metavar="REGEX", help="takes the area out of a device's name: ^[a-z]+-([a-z]+)-")
    add(
        "--outlines", type=Path, metavar="FILE", help="GeoJSON outlines of the areas, for devices that tell coordinates"
    )
    what_for = f"at most so many packets a second; default: {PACE:g}"
    add("--pace", type=float, default=PACE, metavar="PACKETS", help=what_for)
    add("--timeout", type=float, default=1.0, metavar="SECONDS", help="how long a try waits; default: 1")
    add("--out", type=Path, metavar="FILE", help="where to write; default: the inventory of the settings")
    what_for = "write into a file that is there: new devices are added, what it says stays, the old file is kept"
    add("--replace", action="store_true", help=what_for)
    add(
        "--tree",
        type=Path,
        metavar="FILE",
        help="write the tree there, as SVG if it ends in .svg, instead of printing it",
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; the exit code is 0, 1 (nothing answered) or 2 (it could not be done)."""
    from collector import config
    from collector.commands.discover import device_areas, naming, ranges
    from collector.commands.discover.proposal import propose
    from collector.commands.discover.survey import Pace, Survey

    settings = config.load(arguments.config)
    out = _out(arguments, settings)
    if out is None:
        return _refuse("the inventory of the settings is a URL: say with --out which file to write")
    if not 1 <= arguments.pace <= 100_000 or not 0.01 <= arguments.timeout <= 60 or not 1 <= arguments.port <= 65535:
        return _refuse("--pace must be 1 to 100000, --timeout 0.01 to 60, --port 1 to 65535")
    try:
        rules = device_areas.rules(arguments.area_pattern, arguments.outlines)
        survey = Survey(settings.credentials, Pace(arguments.pace), arguments.port, arguments.timeout)
        asked = _ask(arguments, survey)
    except (ranges.RangeError, device_areas.AreaError) as error:
        return _refuse(str(error))
    _tell(list(_refusals(survey)))
    if not asked:
        return _nothing(settings)
    found = naming.devices(asked, arguments.port)
    known = {name for device in found for name in (device.device_id, device.address, device.seen.name, *device.also)}
    if arguments.core is not None and arguments.core not in known:
        return _refuse(f"--core {arguments.core}: no device that answered is called so or has this address")
    proposal = propose(found, rules, arguments.core, len(settings.credentials) > 1)
    _tell([*_oddities(proposal), *_silent(found, survey)])
    _draw(proposal, arguments.tree)
    return _write(proposal, out, survey.asked, replaces=arguments.replace)


def _out(arguments: argparse.Namespace, settings: CollectorSettings) -> Path | None:
    if arguments.out is not None:
        return Path(arguments.out)
    return settings.inventory if isinstance(settings.inventory, Path) else None


def _ask(arguments: argparse.Namespace, survey: Survey) -> list[Asked]:
    """Raises RangeError."""
    from collector.commands.discover import ranges

    if not arguments.ranges and not arguments.seed:
        raise ranges.RangeError("say which addresses to ask: --from RANGE, or --seed ADDRESS --within RANGE")
    if bool(arguments.seed) != bool(arguments.within):
        raise ranges.RangeError("--seed and --within go together: neighbours are asked only in ranges that you name")
    whole = ranges.parse(arguments.ranges, "--from", allow_public=arguments.public)
    within = ranges.parse(arguments.within, "--within", allow_public=arguments.public, is_asked_whole=False)
    for seed in arguments.seed:
        if not ranges.allows(within, seed):
            raise ranges.RangeError(f"--seed {seed}: is no address in --within {' '.join(arguments.within)}")
    asked = survey.whole(whole, _say) if whole else []
    if arguments.seed:
        there = {one.address for one in asked}
        asked += [one for one in survey.following(arguments.seed, within, _say) if one.address not in there]
    return asked


def _nothing(settings: CollectorSettings) -> int:
    names = ", ".join(credential.name for credential in settings.credentials)
    print(
        f"bairro discover: nothing answered. An agent is silent to a community that it does not know, so either the "
        f"credentials ({names}) are others, or SNMP is off, filtered or on another --port",
        file=sys.stderr,
    )
    return EXIT_PROBLEMS


def _oddities(proposal: Proposal) -> list[str]:
    tree = proposal.tree
    told = (
        []
        if tree.core.is_sure
        else [f"{tree.core.value} is taken for the core, in doubt: {tree.core.why}; --core names it"]
    )
    told += [f"a ring: {' – '.join((*ring, ring[0]))}" for ring in tree.rings]
    return [*told, *tree.strangers, *tree.unclear]


def _refusals(survey: Survey) -> Iterator[str]:
    """One sentence for each reason why devices that are there let nobody in, or why nothing could be sent."""
    for where, why in _by_reason(survey.refusals):
        yield f"{where}: a device is there, but lets none of the credentials in: {why}"
    for where, why in _by_reason(survey.unsent):
        yield f"{where}: nothing can be sent there, so what is there is not known: {why}"


def _by_reason(reasons: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Addresses with the same reason, the first three by name, and the reason."""
    by_reason: dict[str, list[str]] = {}
    for address, why in reasons.items():
        by_reason.setdefault(why, []).append(address)
    for why, addresses in by_reason.items():
        yield ", ".join(addresses[:3]) + (f" and {len(addresses) - 3:,} more" if len(addresses) > 3 else ""), why


def _silent(found: Sequence[Found], survey: Survey) -> list[str]:
    """One sentence on addresses that were asked for nothing, though devices have heard of them."""
    answered = {address for device in found for address in (device.address, *device.also)} | survey.refusals.keys()
    answered |= {address for device in found for address in device.seen.interfaces.addresses}
    heard = {
        entry.address: device.device_id
        for device in found
        for entry in device.seen.arp
        if entry.address in survey.asked and entry.address not in answered
    }
    if not heard:
        return []
    some = ", ".join(f"{address} ({who})" for address, who in sorted(heard.items())[:3])
    count = counted.of(len(heard), "address", "are")
    return [f"{count} in ARP tables and answered to none of the credentials, such as {some}"]


def _draw(proposal: Proposal, path: Path | None) -> None:
    from collector.commands.discover import drawing

    if path is None:
        print("\n".join(("", *drawing.lines(proposal.tree, proposal.rows), "")))
        return
    is_svg = path.suffix.lower() == ".svg"
    content = (
        drawing.svg(proposal.tree, proposal.rows) if is_svg else "\n".join(drawing.lines(proposal.tree, proposal.rows))
    )
    path.write_text(content, encoding="utf-8")
    _say(f"{path}: the tree")


def _write(proposal: Proposal, out: Path, asked: Collection[str], *, replaces: bool) -> int:
    """Write the file, or say what in it would change; one that nobody has touched since `bairro init` is written anew."""
    from collector.commands.discover import devices_csv
    from collector.commands.discover.proposal import COLUMNS
    from collector.commands.init.folder import INVENTORY

    rows = proposal.rows
    if not out.exists() or out.read_bytes() == INVENTORY.encode():
        columns = tuple(
            name for name in COLUMNS if name != "credential" or any("credential" in r for r in rows.values())
        )
        devices_csv.write(out, devices_csv.text(columns, list(rows.values())))
        _say(
            f"{out}: {counted.of(len(rows), 'device')}; unsure: {devices_csv.doubts(rows.values()) or 'nothing'} (the column unsure says where, why says why)"
        )
        return EXIT_OK
    try:
        old = devices_csv.read(out)
    except ValueError as error:
        return _refuse(f"{out}: {error}; nothing was written")
    found = devices_csv.changes(old, rows, asked)
    kinds = (("new", found.new), ("gone", found.gone), ("moved", found.moved), ("not asked", found.not_asked))
    for what, told in kinds:
        _tell([f"{what}: {line}" for line in told], most=10 * MOST_SHOWN, out=sys.stdout)
    if not found:
        _say(f"{out}: all as before, {counted.of(len(rows), 'device')}")
    if not replaces:
        _say(f"{out} was left as it is; --replace adds what is new to it, --out FILE writes another file")
        return EXIT_OK
    columns, together = devices_csv.combined(old, rows)
    kept = devices_csv.write(out, devices_csv.text(columns, together))
    _say(f"{out}: {counted.of(len(together), 'device')}; what it said before is kept in {kept}")
    return EXIT_OK


def _tell(lines: Sequence[str], *, most: int = MOST_SHOWN, out: Any = None) -> None:
    stream = sys.stderr if out is None else out
    for line in lines[:most]:
        print(line, file=stream)
    if len(lines) > most:
        print(f"and {len(lines) - most:,} more like these", file=stream)


def _say(line: str) -> None:
    print(line, flush=True)


def _refuse(reason: str) -> int:
    print(f"bairro discover: {reason}", file=sys.stderr)
    return EXIT_UNUSABLE
