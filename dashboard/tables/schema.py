"""The records that providers hand over: every table of them, declared once."""

from __future__ import annotations

import pyarrow as pa

from collector.published import Column, TableSpec

CATEGORIES: tuple[str, ...] = ("connection", "slow", "billing", "price", "installation", "other")
"""Of complaints: the one place that names them. What is in none of the others comes last."""
QUALITY_CATEGORIES: tuple[str, ...] = ("connection", "slow")
"""What quality is expected to move."""
CONTROL_CATEGORIES: tuple[str, ...] = ("billing", "price")
"""What quality cannot move: the negative control."""
END_REASONS: tuple[str, ...] = ("voluntary", "nonpayment", "moved", "other")
CHOICES: dict[str, tuple[str, ...]] = {"category": CATEGORIES, "end_reason": END_REASONS}

AREAS = TableSpec(
    "areas",
    "one neighbourhood",
    ("area",),
    (
        Column("area", "text", "the neighbourhood's id, as in the inventory", True),
        Column("name", "text", "its name for people", True),
        Column("timezone", "text", "IANA time zone; blank: the provider's"),
        Column("geometry", "text", "its outline, a GeoJSON Polygon or MultiPolygon"),
    ),
)

CUSTOMERS = TableSpec(
    "customers",
    "one customer over a span of time in which nothing about them changed; a new started_on is a new spell",
    ("customer_id", "started_on", "valid_from"),
    (
        Column("customer_id", "text", "keyed hash of the provider's own id", True),
        Column("area", "text", "the neighbourhood that they live in", True),
        Column("device_id", "text", "their own CPE, else the device that serves them"),
        Column("technology", "text", "fibre, cable, wireless, dsl, ..."),
        Column("plan", "text", "the plan's name"),
        Column("monthly_price", "number", "what they pay a month, in the provider's currency"),
        Column("started_on", "date", "the first day of the spell", True),
        Column("notice_on", "date", "the day they gave notice"),
        Column("ended_on", "date", "the last day of the spell; blank while it lasts"),
        Column("end_reason", "text", "voluntary, nonpayment, moved or other"),
        Column("contract_until", "date", "until when leaving costs a fee"),
        Column("termination_fee", "number", "that fee"),
        Column("valid_from", "date", "from when this row holds, until the next row of the same spell", True),
    ),
)

PRICES = TableSpec(
    "prices",
    "what a new customer pays for a plan from a day on",
    ("plan", "area", "valid_from"),
    (
        Column("plan", "text", "the plan's name", True),
        Column("area", "text", "blank: everywhere"),
        Column("valid_from", "date", "from when the price holds", True),
        Column("new_customer_price", "number", "a month, in the provider's currency", True),
    ),
)

COMPLAINTS = TableSpec(
    "complaints",
    "one complaint",
    ("complaint_id",),
    (
        Column("complaint_id", "text", "the helpdesk's id", True),
        Column("customer_id", "text", "keyed hash of who complained; blank where only the area is known"),
        Column("area", "text", "the neighbourhood; blank where the customer is known"),
        Column("opened_at", "timestamp", "when it was opened", True),
        Column("category", "text", f"{', '.join(CATEGORIES[:-1])} or {CATEGORIES[-1]}", True),
        Column("channel", "text", "phone, web, ..."),
        Column("first_answer_at", "timestamp", "when a person first answered"),
        Column("solved_at", "timestamp", "when it was solved"),
    ),
)

NPS = TableSpec(
    "nps",
    "one answer to 'would you recommend us?'",
    ("response_id",),
    (
        Column("response_id", "text", "the survey's id", True),
        Column("customer_id", "text", "keyed hash of who answered; blank where only the area is known"),
        Column("area", "text", "the neighbourhood; blank where the customer is known"),
        Column("answered_on", "date", "the day of the answer", True),
        Column("score", "integer", "0 to 10", True),
    ),
)

REVIEWS = TableSpec(
    "reviews",
    "one public review",
    ("posted_on", "source", "area", "rating", "number"),
    (
        Column("posted_on", "date", "the day on which it was posted", True),
        Column("rating", "integer", "1 to 5 stars", True),
        Column("area", "text", "the neighbourhood; blank where nobody knows"),
        Column("source", "text", "the site or shop that it stands on", True),
        Column("number", "integer", "1, 2, ... over reviews of a file that are alike in all the rest; counted", True),
    ),
)

RECORDS: dict[str, TableSpec] = {spec.name: spec for spec in (AREAS, CUSTOMERS, PRICES, COMPLAINTS, NPS, REVIEWS)}

# Columns that an import counts by itself and takes from no file.
COUNTED: dict[str, tuple[str, ...]] = {"reviews": ("number",)}


def given_columns(spec: TableSpec) -> tuple[Column, ...]:
    """The columns of ``spec`` that a file may hold."""
    return tuple(column for column in spec.columns if column.name not in COUNTED.get(spec.name, ()))


def conform(table: pa.Table, spec: TableSpec) -> pa.Table:
    """``table`` with the columns and types that ``spec`` declares: what it lacks is null, what it has beyond is left out.

    Raises ValueError where a required column is missing or a column cannot be cast.
    """
    columns = []
    for field, column in zip(spec.arrow_schema(), spec.columns, strict=True):
        if column.name in table.column_names:
            try:
                columns.append(table.column(column.name).cast(field.type))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:  # a value, or a type, that has no such cast
                raise ValueError(f"{spec.name}: {column.name}: {error}") from None
        elif column.required:
            raise ValueError(f"{spec.name}: {column.name} is missing")
        else:
            columns.append(pa.nulls(len(table), field.type))
    schema = pa.schema([pa.field(field.name, field.type) for field in spec.arrow_schema()], table.schema.metadata)
    return pa.table(columns, schema=schema)
