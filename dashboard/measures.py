"""The quality measures: how each is added up from the hours, what its ratios are for, and what is said of it.

The one place that names them. The panel's columns and statements, models, drivers, targets, charts and sentences follow
it, so that another measure is one more entry of `MEASURES`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from bairro_error import BairroError

Form = Literal["hours", "milliseconds", "percent", "decibels"]
FORMS: tuple[Form, ...] = get_args(Form)
HERE = "dashboard/measures.py"


class MeasureError(BairroError, ValueError):
    """A measure that is not declared whole; the message names this file, the measure and what it lacks."""


@dataclass(frozen=True, slots=True)
class Words:
    """How people read a measure: its ``name``, one that is ``short``, and what to ``look_at`` where it is bad.

    ``form`` says how its values are written, ``places`` with how many decimals. ``chart`` is
    the title of its chart by weeks; blank: it has none.
    """

    name: str = ""
    short: str = ""
    look_at: str = ""
    form: Form = "percent"
    places: int = 0
    chart: str = ""


@dataclass(frozen=True, slots=True)
class HoursAWeek:
    """Time over the time of which it is known, as hours of a week of 168. Both sums, in milliseconds, are made by
    ``chunk_days.sql``."""

    part: str
    whole: str
    scale = "* 168"


@dataclass(frozen=True, slots=True)
class ShareOfCounts:
    """Things counted over the things among which they were: two columns of the hour, and the sums made of them."""

    counted: str
    among: str
    part: str
    whole: str
    scale = ""


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of a column of the hour, weighted by the time observed; in whole millionths, so that any order of adding
    gives the same.

    ``in_evenings``: of the hours from 18:00 to 24:00 local. ``on_path``: in each hour the highest of the device's own and
    of those of the links above it, up to below the core; of evenings only.
    """

    column: str
    stem: str
    in_evenings: bool = True
    on_path: bool = False
    scale = "/ 1e6"

    @property
    def part(self) -> str:
        return f"{self.stem}_sum"

    @property
    def whole(self) -> str:
        return f"{self.stem}_ms"


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of quality.

    ``name`` is what results, settings and models call it, ``column`` its column in the tables of customers. ``what`` says
    what it is, for the documents of tables. ``per`` is the step, in its ``unit``, for which ratios are told and by which it
    gets worse: below 0 where less of it is worse. ``target`` is its key in the settings [targets]. A measure that
    ``may_be_promised`` may be named as something to improve.
    """

    name: str
    column: str
    made: HoursAWeek | ShareOfCounts | Mean
    what: str
    unit: str
    per: float
    words: Words
    target: str = ""
    may_be_promised: bool = True

    @property
    def area_column(self) -> str:
        """Its column in area_weeks."""
        return f"{self.column}_per_customer" if isinstance(self.made, HoursAWeek) else self.column

    @property
    def trailing(self) -> str:
        """Its column in the tables of customers that tell of the eight weeks before."""
        return f"trailing_{self.column}"

    @property
    def trailing_whole(self) -> str:
        """The column of customers_now that tells how many things it was counted among; blank where it is no count."""
        return f"trailing_{self.made.whole}" if isinstance(self.made, ShareOfCounts) else ""

    @property
    def is_more_worse(self) -> bool:
        return self.per > 0


DOWN = Measure(
    name="down_hours",
    column="down_hours",
    made=HoursAWeek(part="down_ms", whole="judged_ms"),
    what="hours without service in a fully observed week, those of planned work left out where they are known",
    unit="hours per customer-week",
    per=1.0,
    words=Words(
        name="Time without service",
        short="No service",
        look_at="outages that its devices share: power, the feeder and the devices above them",
        form="hours",
        places=2,
        chart="Hours without service per customer",
    ),
    target="down_hours_per_week",
)
PLANNED = Measure(
    name="planned_hours",
    column="planned_hours",
    made=HoursAWeek(part="planned_ms", whole="planned_known_ms"),
    what="hours without service for planned work in a fully observed week; null where hours do not tell",
    unit="hours per customer-week",
    per=1.0,
    words=Words(
        name="Planned work",
        short="Planned work",
        look_at="how often work is planned, at what hours, and how it is announced",
        form="hours",
        places=2,
    ),
    may_be_promised=False,
)
"""Compared only where there is any, so that the hours without service are outages alone."""

MEASURES: tuple[Measure, ...] = (
    DOWN,
    PLANNED,
    Measure(
        name="evening_latency",
        column="evening_rtt_p95_mean_seconds",
        made=Mean("rtt_p95_seconds", "latency"),
        what="mean of the hourly 95th percentiles of latency, 18:00 to 24:00 local",
        unit="seconds",
        per=0.01,
        words=Words(
            name="Evening latency",
            short="Evening latency",
            look_at="queues on the uplinks between 18:00 and 24:00",
            form="milliseconds",
            chart="Evening latency, 95th percentile",
        ),
        target="evening_latency_seconds",
    ),
    Measure(
        name="loss",
        column="loss_ratio",
        made=ShareOfCounts("pings_lost", "pings_sent", part="echoes_lost", whole="echoes_sent"),
        what="echoes lost over echoes sent while the device was up, 0 to 1",
        unit="ratio",
        per=0.01,
        words=Words(
            name="Lost packets",
            short="Lost packets",
            look_at="signal levels, errors and discards on its access devices",
            places=2,
            chart="Lost packets",
        ),
        target="loss_ratio",
    ),
    Measure(
        name="evening_utilization",
        column="evening_utilization_mean_ratio",
        made=Mean("utilization_p95_ratio", "utilization", on_path=True),
        what="mean of the hourly 95th percentiles of utilisation, 18:00 to 24:00 local",
        unit="ratio",
        per=0.1,
        words=Words(
            name="Evening load of the uplink",
            short="Evening load",
            look_at="capacity of the access devices and their uplinks",
            chart="Evening load of the uplink",
        ),
        target="evening_utilization_ratio",
    ),
)
WINDOWS: tuple[int, ...] = (2, 4, 16)
"""Weeks over which hours without service are told of customers, beside the eight of every measure."""


REACHES: tuple[int, ...] = (2, 4, 8, 16)
"""Weeks over which those in long single outages are told."""
LENGTHS: tuple[int, ...] = (2, 4, 8)
"""Hours by which single outages are told apart: those that last longer. The least is what the statements keep at all."""


def over(weeks: int, hours: int = 0) -> str:
    """The column of customer_weeks and customers_now with the hours without service over so many weeks.

    With ``hours`` those in single outages that lasted longer than so many.
    """
    return f"{DOWN.column}_over_{weeks}_weeks" + (f"_longer_than_{hours}" if hours else "")


def longer_than(hours: int) -> str:
    """The column of area_weeks with the hours without service in single outages that lasted longer."""
    return f"{DOWN.column}_longer_than_{hours}_per_customer"


COMPARED: tuple[Measure, ...] = tuple(measure for measure in MEASURES if measure is not PLANNED)
"""The measures that are compared at every provider."""
TARGETS: dict[str, str] = {measure.target: measure.name for measure in MEASURES if measure.target}
"""The name of the measure that each key of the settings [targets] is for."""


def check(measures: Sequence[Measure]) -> None:
    """Raise MeasureError for the first measure that lacks something, or takes what another one has."""
    taken: dict[str, Measure] = {}
    for measure in measures:
        if fault := _fault(measure):
            raise MeasureError(f"{HERE}: {measure.name}: {fault}")
        own_whole = measure.made.whole if isinstance(measure.made, ShareOfCounts) else ""
        for word in (measure.name, measure.column, measure.made.part, own_whole, measure.target):
            if word and (first := taken.setdefault(word, measure)) is not measure:
                raise MeasureError(f"{HERE}: {measure.name}: {word} is taken by {first.name}; take another word")


def _fault(measure: Measure) -> str | None:
    blank = [name for name in ("name", "short", "look_at") if not getattr(measure.words, name).strip()]
    if blank:
        return f"has no words: give it {' and '.join(blank)} in words=Words(...)"
    if measure.words.form not in FORMS:
        return f"nothing writes values as {measure.words.form!r}; known: {', '.join(FORMS)}"
    if not measure.per:
        return "per is 0: say for which step its ratios are told"
    if isinstance(measure.made, Mean) and measure.made.on_path and not measure.made.in_evenings:
        return "on_path is known of evenings only: leave in_evenings as it is"
    return None


check(MEASURES)
