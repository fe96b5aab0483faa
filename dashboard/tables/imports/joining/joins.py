"""How many rows of an import name what is on record: customers, plans, areas, devices; and why hardly any does."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables import quality_hours, stand_ins
from dashboard.tables.checks.cells import letters
from dashboard.tables.checks.cells.ids import SAMPLE, Way, likeness
from dashboard.tables.imports import hashed_ids
from dashboard.tables.imports.joining import agreement, cures
from dashboard.tables.imports.joining.join_counts import Imported, Join, Reason, StandIn, Told
from dashboard.tables.imports.storage import import_log, snapshots
from dashboard.tables.schema import RECORDS

LEAST_SHARE = 0.5
"""Of the rows another column must join so many before it is named as the better key."""
Known = Callable[[Sequence[str]], Sequence[bool]]


def of_import(imported: Imported) -> Told:
    """Every join of an import of this kind. The first customers, areas or devices join nothing yet: that is a note."""
    settings = imported.settings
    last = _last(imported)
    told = [look(imported) for look in _LOOKS.get(imported.kind, ())]
    joins = [join for one in told for join in one.joins]
    made = tuple(
        replace(join, last=last.get(join.key), floor=float(getattr(settings.joins, join.setting)))
        for join in joins
        if join.rows
    )
    return Told(made, tuple(note for one in told for note in one.notes))


def _last(imported: Imported) -> Mapping[str, tuple[int, int]]:
    """What the last import of the kind that is in force joined."""
    data = imported.settings.data
    standing = snapshots.numbers(imported.kind, data)
    entries = [e for e in import_log.entries(data, imported.kind) if e.action == "import" and e.snapshot in standing]
    if not entries:
        return {}
    return {key: (pair[0], pair[1]) for key, pair in (entries[-1].joins or {}).items() if len(pair) == 2 and pair[1]}


def _customers(imported: Imported) -> Told:
    """Complaints and answers that name a customer."""
    known = _distinct(snapshots.read("customers", imported.settings.data), "customer_id")
    rows, joined = _count(imported.rows, "customer_id", known)
    stand_in = _stand_in(imported)
    if not rows:
        said = "no row names a customer: which customers these are of stays unknown"
        return Told(notes=(said,) if len(known) and imported.rows.num_rows else ())
    if not len(known):
        return Told(notes=("how many of these rows name a customer cannot be known yet: no customers are on record",))
    stored = _count(imported.after, "customer_id", known)
    joined -= _named_by_nobody(imported, known)
    reason = _id_reason(imported, known, "customers on record") if joined < rows else Reason()
    said = "rows name a customer on record"
    pair = (stored[1], stored[0])
    return Told((Join(imported.kind, said, rows, joined, stored=pair, stand_in=stand_in, reason=reason),))


def _stand_in(imported: Imported) -> StandIn | None:
    """The id of the file that stands for nobody under which most rows stand; None where there is none."""
    cells = imported.sheet.columns.get("customer_id")
    if cells is None or imported.key is None:
        return None
    found = stand_ins.found(cells)
    return StandIn(*max(found.items(), key=lambda one: one[1])) if found else None


def _named_by_nobody(imported: Imported, known: pa.Array) -> int:
    """Rows that name somebody on record under an id that stands for nobody."""
    cells, key = imported.sheet.columns.get("customer_id"), imported.key
    if cells is None or key is None:
        return 0
    hashed = set(known.to_pylist())
    found = stand_ins.found(cells).items()
    return sum(rows for one, rows in found if not stand_ins.looks_so(one) and hashed_ids.hash_id(one, key) in hashed)


def _complaints_and_answers(imported: Imported) -> Told:
    """Stored complaints and answers of which these customers are."""
    joins = []
    for kind, what in (("complaints", "complaints"), ("nps", "survey answers")):
        stored = snapshots.read(kind, imported.settings.data)
        rows, joined = _count(stored, "customer_id", _distinct(imported.after, "customer_id"))
        reason = (
            _id_reason(imported, _distinct(stored, "customer_id"), f"{what} on record") if joined < rows else Reason()
        )
        joins.append(Join(f"customers.{kind}", f"{what} on record name a customer", rows, joined, reason=reason))
    return Told(tuple(joins))


def _plans(imported: Imported) -> Told:
    """Prices of plans that customers have."""
    known = _distinct(snapshots.read("customers", imported.settings.data), "plan")
    if not len(known):
        return Told(
            notes=("how many prices are of customers' plans cannot be known yet: no customer with a plan is on record",)
        )
    rows, joined = _count(imported.rows, "plan", known)
    reason = _plain_reason(imported, "plan", known, "customers' plans") if joined < rows else Reason()
    return Told((Join("prices", "prices are of a plan that customers have", rows, joined, reason=reason),))


def _prices(imported: Imported) -> Told:
    """Customers whose plan has a price."""
    known = _distinct(snapshots.read("prices", imported.settings.data), "plan")
    if not len(known):
        return Told()
    rows, joined = _count(imported.rows, "plan", known)
    reason = _plain_reason(imported, "plan", known, "the prices' plans") if joined < rows else Reason()
    return Told(
        (Join("customers.prices", "customers have a plan with a price on record", rows, joined, reason=reason),)
    )


def _areas(imported: Imported) -> Told:
    """Rows that name an area: of those on record, and of customers where these are not what is imported."""
    data = imported.settings.data
    known = _distinct(snapshots.read("areas", data), "area")
    if imported.kind != "customers":
        known = pc.unique(pa.concat_arrays([known, _distinct(snapshots.read("customers", data), "area")]))
    if not len(known):
        notes = ("how many live in an area on record cannot be known yet: no areas are on record",)
        return Told(notes=notes if imported.kind == "customers" and imported.rows.num_rows else ())
    whose = imported.rows
    if "customer_id" in whose.column_names and imported.kind != "customers":
        whose = whose.filter(pc.is_null(whose.column("customer_id")))
    rows, joined = _count(whose, "area", known)
    reason = _plain_reason(imported, "area", known, "areas on record") if joined < rows else Reason()
    said = (
        "customers live in an area on record"
        if imported.kind == "customers"
        else "rows without a customer name an area on record"
    )
    return Told((Join(f"{imported.kind}.areas", said, rows, joined, reason=reason),))


def _devices(imported: Imported) -> Told:
    """Customers behind a device of the inventory."""
    try:
        known = _distinct(quality_hours.read_devices(imported.settings.data), "device_id")
    except quality_hours.TableError as error:
        return Told(notes=(f"how many are served by a device of the inventory cannot be known: {error}",))
    rows, joined = _count(imported.rows, "device_id", known)
    if not len(known):
        if not rows:
            return Told()
        return Told(
            notes=("how many are served by a device of the inventory cannot be known yet: bairro collect has not run",)
        )
    without = imported.rows.num_rows - rows
    notes = (
        (
            f"{without:,} of {imported.rows.num_rows:,} customers {'names' if without == 1 else 'name'} no device:"
            f" {'its' if without == 1 else 'their'} quality is not known",
        )
        if without
        else ()
    )
    reason = _plain_reason(imported, "device_id", known, "the inventory") if joined < rows else Reason()
    return Told(
        (Join("customers.devices", "customers are served by a device of the inventory", rows, joined, reason=reason),),
        notes,
    )


_LOOKS: Mapping[str, tuple[Callable[[Imported], Told], ...]] = {
    "customers": (_areas, _devices, _complaints_and_answers, agreement.of_stored_events, _prices),
    "complaints": (_customers, agreement.of_events, _areas),
    "nps": (_customers, agreement.of_events, _areas),
    "prices": (_plans, _areas),
}


def _count(table: pa.Table, column: str, known: pa.Array) -> tuple[int, int]:
    """Rows with something in ``column``, and those of them that are ``known``."""
    if column not in table.column_names or not table.num_rows:
        return 0, 0
    cells = table.column(column).drop_null()
    return len(cells), int(pc.sum(pc.is_in(cells, known)).as_py() or 0)


def _distinct(table: pa.Table, column: str) -> pa.Array:
    cells = pc.unique(table.column(column).drop_null())
    return cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells


def why_other_customers(imported: Imported, stored: pa.Table) -> Reason:
    """Why the customers of the file are others than those ``stored``, where another way to write their ids explains it."""
    return _id_reason(imported, _distinct(stored, "customer_id"), "customers on record", or_else="")


def ways(imported: Imported, joins: Sequence[Join], stored: pa.Table) -> dict[str, Way]:
    """How the ids of the file are to be rewritten so that they join, column by column; ``stored`` is its kind's."""
    reasons = [join.reason for join in joins if join.is_under]
    if imported.kind == "customers" and stored.num_rows:
        rows, joined = _count(imported.rows, "customer_id", _distinct(stored, "customer_id"))
        if joined < (1 - imported.settings.joins.absent_customers) * rows:
            reasons.insert(0, why_other_customers(imported, stored))
    return {reason.column: reason.way for reason in reversed(reasons) if reason.way}


def _id_reason(imported: Imported, hashed: pa.Array, where: str, or_else: str | None = None) -> Reason:
    """Why ids are not among ``hashed`` ones: variants of the file's own are hashed, and those on record stay unknown."""
    key = imported.key
    ids = imported.sheet.columns.get("customer_id")
    if key is None or ids is None:
        return Reason()
    stored = set(hashed.to_pylist())

    def are_known(texts: Sequence[str]) -> list[bool]:
        return [hashed_ids.hash_id(text, key) in stored for text in texts]

    found = _reason("customer_id", ids, are_known, where, or_else)
    if found.is_writing or or_else is not None:
        return found
    declared = RECORDS[imported.kind].column_names
    other = cures.other_key(imported.sheet.columns, declared, are_known)
    if other is None or other.joined <= LEAST_SHARE * other.rows:
        return found
    return Reason(
        f"the column {other.column!r} has the ids of {where}: with it {other.joined:,} of {other.rows:,} rows would join; a"
        f' mapping says so under [columns.customer_id] source = "{other.column}"'
    )


def _plain_reason(imported: Imported, column: str, known: pa.Array, where: str) -> Reason:
    cells = imported.sheet.columns.get(column)
    if cells is None:
        return Reason()
    by_fold = {_folded(str(one)): str(one) for one in known.to_pylist()}
    stored = set(by_fold.values())
    found = _reason(column, cells, lambda texts: [text in stored for text in texts], where, "")
    if found:
        return found
    unknown = [str(one) for one in pc.unique(cells.drop_null()).to_pylist() if one not in stored][:200]
    alike = next(((one, by_fold[_folded(one)]) for one in unknown if _folded(one) in by_fold), None)
    if alike:
        said = f"upper and lower case, or accents? {alike[0]} here, {alike[1]} among {where}"
        return Reason(said, is_writing=True)
    if not unknown or not stored:
        return Reason()
    foreign = next((one for one in unknown if letters.foreign(one)), unknown[0])
    return Reason(f"{letters.told(foreign)} here, {letters.told(min(stored))} among {where}")


def _folded(name: str) -> str:
    """The name without case, accents, blanks and apostrophes."""
    apart = unicodedata.normalize("NFKD", name.casefold())
    return "".join(one for one in apart if not (unicodedata.combining(one) or one in " '’`´_"))


def _unknown(distinct: pa.Array, are_known: Known) -> list[str]:
    """The first ids that are not on record, as many as are needed to see why."""
    found: list[str] = []
    for start in range(0, len(distinct), SAMPLE):
        some = [str(one) for one in distinct.slice(start, SAMPLE).to_pylist()]
        found += [one for one, is_known in zip(some, are_known(some), strict=True) if not is_known]
        if len(found) >= SAMPLE:
            break
    return found


def _reason(column: str, cells: pa.Array, are_known: Known, where: str, or_else: str | None = None) -> Reason:
    """The likely reason with an example of each side, and what mends it; for the ids of the file that are not known."""
    unknown = _unknown(pc.unique(cells.drop_null()), are_known)
    if not unknown:
        return Reason()
    found = likeness(pa.array(unknown, pa.string()), are_known)
    if found is not None and found.is_theirs:
        return Reason(
            f"{found.way.reason}? {found.here} here, {found.there} among {where}: take that import back (--undo) and make it"
            f" again with a mapping that says under [columns.{column}] {found.way.options} (--propose writes one)",
            is_writing=True,
        )
    if found is not None:
        return Reason(
            f"{found.way.reason}? {found.here} here, {found.there} among {where}; a mapping mends it that says under"
            f" [columns.{column}] {found.way.options}{cures.with_way(cells, found.way, are_known)} (--propose writes one)",
            column,
            found.way,
            is_writing=not found.way.digits,  # X12 may be a customer of another system
        )
    if or_else is not None:
        return Reason(or_else)
    return Reason(
        f"{unknown[0]} here is not among {where}, nor without zeros, with zeros, or in another case:"
        " does the column hold the ids of your customers file, or those of another system?"
    )
