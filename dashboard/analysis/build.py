"""`bairro build`: inputs become the panel, the panel becomes fits, the fits become one stored set of results."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from threadpoolctl import threadpool_limits

from bairro_error import BairroError
from dashboard.analysis import build_log
from dashboard.config import DashboardSettings
from dashboard.models.areas import area_rates, drivers, local_changes, rank_areas
from dashboard.models.complaints import complaint_model
from dashboard.models.fixes import avoidable
from dashboard.models.leaving import churn, coming_quality, expected_leavers, like_customers, returners
from dashboard.models.loyalty import held_or_loyal, price_gaps, survey_scores
from dashboard.models.outages import outage_list
from dashboard.models.outages import outage_study as incidents
from dashboard.panel import assemble as panels
from dashboard.panel import engines, join_coverage, refused_hours, statements
from dashboard.results import stored_results
from dashboard.tables import digests, stored_hours
from dashboard.tables import quality_hours as quality
from dashboard.tables import recorded_incidents as operations
from dashboard.tables.imports import records
from dashboard.tables.imports.snapshots import SnapshotError
from dashboard.tables.schema import RECORDS
from dashboard.tables.stored_hours import HourFiles

T = TypeVar("T")
Progress = Callable[[str], None]

CACHE = "cache"
# Raised when the same inputs would give other tables than before.
ANALYSIS = 23
DAMAGED, INCIDENTS_UNREAD, MODEL_FAILED = "quality_damaged", "incidents_unread", "model_failed"


class BuildError(BairroError, ValueError):
    """Inputs from which no results can be made; the message says what to import or start."""


@dataclass(frozen=True)
class Inputs:
    """Everything that a build reads, and a digest of each part."""

    records: Mapping[str, pa.Table]
    quality: HourFiles
    devices: pa.Table
    incidents: pa.Table
    digests: Mapping[str, str]


@dataclass
class _Notes:
    """What has to be said of a build, in order; a failed model is one of them."""

    said: list[dict[str, str]] = field(default_factory=list)

    def add(self, code: str, text: str) -> None:
        self.said.append({"code": code, "text": text})


def build(settings: DashboardSettings, progress: Progress = print, *, force: bool = False) -> Path:
    """As `_build`, one at a time, and keeping what became of it for the pages to tell."""
    try:
        with build_log.one_at_a_time(settings.data):
            try:
                folder = _build(settings, progress, force=force)
            except BaseException as error:
                build_log.record(settings.data, str(error) or type(error).__name__)
                raise
            build_log.record(settings.data, None)
            return folder
    except build_log.BusyError as error:
        raise BuildError(str(error)) from None
    except OSError as error:
        raise BuildError(f"{error.filename or settings.data}: {error.strerror or error}") from error


def problems(folder: Path) -> list[str]:
    """What somebody should look at of results that are stored, a sentence each: inputs that were damaged or could not be
    believed, joins that name too little, models that failed."""
    return _problems(json.loads((folder / stored_results.MANIFEST).read_text(encoding="utf-8")))


def _problems(manifest: Mapping[str, Any]) -> list[str]:
    codes = {DAMAGED, INCIDENTS_UNREAD, MODEL_FAILED}
    codes |= {_not_known(str(join["name"])) for join in manifest.get("joins", ()) if join["is_warning"]}
    if any(one["what"] != "double" for one in manifest.get("refused", ())):
        codes.add(refused_hours.CODE)
    return [str(note["text"]) for note in manifest.get("notes", ()) if note["code"] in codes]


def _awaits(manifest: Mapping[str, Any]) -> bool:
    """Whether hours were left out whose time may have come since, though no input has changed."""
    return any(one["what"] == "ahead" for one in manifest.get("refused", ()))


def _not_known(join: str) -> str:
    return f"{join}_not_known"


def _build(settings: DashboardSettings, progress: Progress, *, force: bool) -> Path:
    """Make and store results, and return their folder; unchanged inputs give the newest folder back.

    A model that fails leaves its rows out and a note in the manifest, and the rest goes on.
    Raises BuildError where there is nothing to build from.
    """
    now = datetime.datetime.now(datetime.UTC)
    begun_at = now.isoformat(timespec="seconds")
    progress("reading records and quality")
    try:
        stored_results.check_clock(settings.data, now)
        inputs = read_inputs(settings)
    except (SnapshotError, quality.TableError, stored_results.ClockError) as error:
        raise BuildError(str(error)) from error
    fingerprint = _fingerprint(inputs, settings)
    newest = stored_results.load_manifest(settings.data)
    if newest is not None and newest[1].get("fingerprint") == fingerprint and not force and not _awaits(newest[1]):
        progress(f"no input has changed since {newest[0].name}: its results stand")
        for text in _problems(newest[1]):
            progress(f"WARNING: {text}")
        return newest[0]
    progress("joining them into the panel")
    try:
        panel = panels.build(
            inputs.records,
            inputs.quality,
            inputs.devices,
            settings,
            incidents=inputs.incidents,
            cache=settings.data / CACHE,
            now=now,
        )
    except (panels.PanelError, quality.TableError, engines.EngineError) as error:
        raise BuildError(str(error)) from error
    tables, notes, wording = fit(panel, inputs.records["areas"], settings, progress)
    if refused := refused_hours.note(panel.refused):
        notes.insert(0, {"code": refused_hours.CODE, "text": refused})
        progress(f"WARNING: {refused}")
    if damages := inputs.quality.damages():
        notes.insert(0, {"code": DAMAGED, "text": stored_hours.note(damages)})
        progress(f"WARNING: {stored_hours.note(damages)}")
    if unread := operations.why_unread(inputs.incidents):
        notes.insert(0, {"code": INCIDENTS_UNREAD, "text": unread})
        progress(f"WARNING: {unread}")
    manifest = {
        "version": _version(),
        "begun_at": begun_at,
        "built_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "fingerprint": fingerprint,
        "seed": settings.analysis.seed,
        "cut_off": panel.cut_off.isoformat(),
        "entry": panel.entry.isoformat(),
        "last_complete": {name: day.isoformat() for name, day in panel.last_complete.items()},
        "inputs": dict(inputs.digests),
        "coverage": _coverage(panel),
        "joins": [asdict(join) for join in panel.joins],
        "counts": json.loads(panel.counts.to_json(orient="records")),
        "wording": wording,
        "damaged": [asdict(damage) for damage in damages],
        "refused": [asdict(one) for one in panel.refused],
        "notes": notes,
    }
    progress("storing the results")
    try:
        return stored_results.write(settings.data, tables, manifest)
    except stored_results.ClockError as error:
        raise BuildError(str(error)) from error


@threadpool_limits.wrap(limits=1, user_api="blas")
def fit(
    panel: panels.Panel, areas: pa.Table, settings: DashboardSettings, progress: Progress
) -> tuple[dict[str, pd.DataFrame], list[dict[str, str]], dict[str, str]]:
    """Result tables, notes, and by outcome whether the page may say ``effect`` or only ``association``.

    On one thread of linear algebra: matrices are narrow, and more threads cost several times what they gain.
    """
    panel = join_coverage.withheld(panel)
    notes = _Notes([asdict(note) for note in panel.notes])
    for join in panel.joins:
        if join.is_warning:
            notes.add(_not_known(join.name), f"{_capital(join.text)}.")
            progress(f"WARNING: {join.text}")
    weeks, periods = panel.area_weeks, panel.customer_periods
    current = panel.customers_now
    attempt = _Attempts(progress, notes)
    tables = {"areas": areas.to_pandas(), "area_weeks": weeks}
    rates = attempt.fit("area rates", lambda: area_rates.area_rates(periods, weeks, current))
    if rates is not None:
        tables["area_rates"] = rates
    rests = panel.knows(join_coverage.COMPLAINTS) and panel.knows(join_coverage.DEVICES)
    effects = attempt.fit("the effect of quality on complaints", lambda: complaint_model.fit(weeks)) if rests else None
    leaving = attempt.fit("the hazard of leaving", lambda: churn.fit(panel.customer_weeks))
    tables |= _ranked(panel, leaving.predicting if leaving is not None else None, settings, attempt)
    tables |= _loyal(panel, leaving.price_gap if leaving is not None else None, settings, attempt)
    told = (effects, leaving) if panel.knows(join_coverage.DEVICES) else ()
    fitted = [model for outcome in told if outcome is not None for model in outcome.models]
    tables["effects"], tables["joint_tests"] = effect_rows(fitted), joint_rows(fitted)
    if effects is not None or not rests:
        terms = effects.main.effects if effects is not None else complaint_model.not_estimated()
        on_leaving = leaving.main.effects if leaving is not None and panel.knows(join_coverage.DEVICES) else ()
        driven = attempt.fit("drivers", lambda: drivers.area_drivers(weeks, current, terms, on_leaving))
        if driven is not None:
            tables["area_drivers"] = driven
    for code, outcome in (("complaints_model", effects), ("leaving_model", leaving)):
        for text in outcome.notes if outcome is not None else ():
            notes.add(code, text)
    wording = {
        name: outcome.wording if outcome is not None else "association"
        for name, outcome in (("complaints", effects), ("leaving", leaving))
    }
    return tables, notes.said, wording


def _ranked(
    panel: panels.Panel, predictor: churn.Predictor | None, settings: DashboardSettings, attempt: _Attempts
) -> dict[str, pd.DataFrame]:
    """The ranking, and what better quality would save, where the hazard of leaving could be fitted."""
    weeks, periods, seed = panel.area_weeks, panel.customer_periods, settings.analysis.seed
    areas = sorted(set(periods["area"]) | set(weeks["area"]))
    ahead = coming = growth = None
    if predictor is not None:
        ahead = attempt.fit(
            "the prospect",
            lambda: expected_leavers.prospect(predictor, periods, panel.customers_now, areas, area_weeks=weeks),
        )
    if ahead is not None and predictor is not None:
        start = pd.Timestamp(panel.cut_off) + pd.Timedelta(days=1)
        terms = predictor.design.quality.terms
        coming = attempt.fit("the quality to come", lambda: coming_quality.foresee(weeks, areas, terms, start))
    if ahead is not None and predictor is not None and coming is not None:
        growth = like_customers.growth(ahead, predictor, panel.customers_now, coming, seed=seed, count=rank_areas.DRAWS)
        attempt.notes.add("quality_to_come", coming.note())
    minimum = settings.analysis.minimum_expected_leavers
    ranked = attempt.fit(
        "the ranking",
        lambda: rank_areas.rank(
            periods,
            weeks,
            panel.cut_off,
            minimum_expected=minimum,
            seed=seed,
            ahead=ahead,
            customers=panel.customers_now,
            growth=growth,
        ),
    )
    if ranked is None:
        return {}
    tables = {"ranking": ranked.rows}
    if ahead is not None:
        counts, usual = local_changes.by_week(weeks, ahead.past, sorted(periods["period"].unique()), areas)
        changed = attempt.fit("local changes", lambda: local_changes.local_changes(counts, usual, seed=seed))
        if changed is not None:
            tables["local_changes"] = changed
    if ahead is not None and predictor is not None and panel.knows(join_coverage.DEVICES):
        goal = avoidable.targets(predictor, panel.customers_now, settings.target_of_measure)
        saved = attempt.fit(
            "what would help",
            lambda: avoidable.avoidable(
                ahead, predictor, panel.customers_now, ranked.expected, goal, seed=seed, coming=coming
            ),
        )
        if saved is not None:
            tables["avoidable"] = saved
    return tables


def _loyal(
    panel: panels.Panel, gap: churn.Coefficient | None, settings: DashboardSettings, attempt: _Attempts
) -> dict[str, pd.DataFrame]:
    """Who is held, what surveys say, who came back and what outages did; a model that failed leaves its tables out."""
    now, weeks, seed = panel.customers_now, panel.area_weeks, settings.analysis.seed
    until = panel.last_complete["customers"]
    known = outage_list.known(weeks, panel.outages)
    attempt.notes.add("outages_known_from", outage_list.note(known))
    held = struck = None
    if panel.knows(join_coverage.DEVICES):
        whose, outcomes = panel.knows(join_coverage.COMPLAINERS), incidents.OUTCOMES
        if not panel.knows(join_coverage.COMPLAINTS):
            outcomes = tuple(name for name in outcomes if name == "leaving")
        held = attempt.fit(
            "loyalty",
            lambda: held_or_loyal.loyalty(now, panel.quality_complaints, panel.cut_off, knows_complaints=whose),
        )
        struck = attempt.fit("incidents", lambda: incidents.incidents(known, weeks, now, seed=seed, outcomes=outcomes))
    made = {
        "loyalty": held.rows if held is not None else None,
        "contract_cliff": held.cliff if held is not None else None,
        "price_gaps": attempt.fit("price gaps", lambda: price_gaps.price_gaps(now, gap)),
        "area_nps": attempt.fit("surveys", lambda: survey_scores.area_nps(panel.survey_answers, now))
        if panel.knows(join_coverage.ANSWERS) or not panel.rows_of(join_coverage.ANSWERS)
        else None,
        "returners": attempt.fit("returners", lambda: returners.returners(panel.departures, until)),
        "incident_effects": struck.effects if struck is not None else None,
        "incident_weeks": struck.weeks if struck is not None else None,
    }
    return {name: table for name, table in made.items() if table is not None}


@dataclass(frozen=True)
class _Attempts:
    """Fits one model after the other; one that raises becomes a note and None."""

    progress: Progress
    notes: _Notes

    def fit(self, name: str, model: Callable[[], T]) -> T | None:
        self.progress(f"fitting {name}")
        try:
            return model()
        except Exception as error:  # whatever breaks one model must stay visible and cost the others nothing
            text = f"{name} failed and is missing from these results: {type(error).__name__}: {error}"
            self.notes.add(MODEL_FAILED, text)
            self.progress(f"WARNING: {text}")
            return None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def effect_rows(fitted: Sequence[complaint_model.EffectModel]) -> pd.DataFrame:
    """Rows of the effects result table."""
    return pd.DataFrame(
        [
            {
                "model": e.model,
                "term": e.term.name,
                "kind": e.kind,
                "per": e.term.per,
                "unit": e.term.unit,
                "rate_ratio": e.rate_ratio,
                "low": e.low,
                "high": e.high,
                "p_value": e.p_value,
                "p_adjusted": e.p_adjusted,
                "is_found": e.is_found,
                "clusters": e.clusters,
                "method": e.method,
            }
            for model in fitted
            for e in model.effects
        ],
        columns=stored_results.EFFECTS.column_names,
    )


def joint_rows(fitted: Sequence[complaint_model.EffectModel]) -> pd.DataFrame:
    """Rows of the joint_tests result table; a test that could not be made is a row of nulls."""
    return pd.DataFrame(
        [
            {
                "model": m.model,
                "statistic": m.joint.statistic if m.joint else np.nan,
                "numerator_df": m.joint.numerator_df if m.joint else None,
                "denominator_df": m.joint.denominator_df if m.joint else np.nan,
                "p_value": m.joint.p_value if m.joint else np.nan,
                "p_value_above": m.joint.p_value_above if m.joint else np.nan,
                "is_found": m.finds_jointly,
            }
            for m in fitted
        ],
        columns=stored_results.JOINT_TESTS.column_names,
    ).astype({"numerator_df": "Int64"})


def read_inputs(settings: DashboardSettings) -> Inputs:
    """Everything on record. Raises BuildError where something needed is missing, SnapshotError, TableError."""
    tables = {kind: records.read(kind, settings.data) for kind in RECORDS}
    if not tables["customers"].num_rows:
        raise BuildError(
            "no customers are on record. Import them: bairro import customers FILE (then areas, complaints and prices)"
        )
    hours = stored_hours.HourFiles(settings.data)
    files = hours.sound()
    if damages := hours.damages() if not files else []:
        raise BuildError(f"no quality history can be read: {stored_hours.note(damages)}")
    if not files:
        raise BuildError(
            f"no quality history in {settings.data / 'quality'}: start bairro collect (or bairro demo, to try it out)"
        )
    devices = quality.read_devices(settings.data)
    found = {kind: _table_digest(table) for kind, table in tables.items()}
    found["devices"] = _table_digest(devices)
    left_out = [f"{damage.file} {damage.reason}" for damage in hours.damages()]
    found["quality_hours"] = digests.of_text(_files_digest(settings.data, files), *left_out)
    told = operations.read(settings.database_url, operations.whole_days_until(files))
    found["incidents"] = _table_digest(told)
    return Inputs(tables, hours, devices, told, found)


def _fingerprint(inputs: Inputs, settings: DashboardSettings) -> str:
    what = {
        "inputs": dict(inputs.digests),
        "analysis": asdict(settings.analysis),
        "targets": settings.targets,
        "joins": asdict(settings.joins),
        "timezone": settings.timezone,
        "version": _version(),
        "method": ANALYSIS,
        "measures": statements.stamp(),
        "tables": {name: spec.column_names for name, spec in stored_results.RESULT_TABLES.items()},
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _table_digest(table: pa.Table) -> str:
    """SHA-256 of a table's content and metadata, whatever files it was read from."""
    digest = _Digest()
    with pa.PythonFile(digest, mode="w") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return digest.hexdigest()


class _Digest:
    """A file to write to that keeps only the hash of what it was given."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._size = 0
        self.closed = False

    def write(self, content: Any) -> int:
        size = memoryview(content).nbytes
        self._hash.update(content)
        self._size += size
        return size

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def _files_digest(root: Path, files: list[Path]) -> str:
    """SHA-256 over the names and contents of the files; one that vanished meanwhile (compaction) counts as gone."""
    found = digests.of_files(files, root / CACHE / "digests.json")
    return digests.of_text(*(f"{path.relative_to(root)} {content}" for path, content in found.items()))


def _coverage(panel: panels.Panel) -> dict[str, Any]:
    weeks = panel.area_weeks[panel.area_weeks["is_complete"].astype(bool)]
    days = weeks["customer_days"].astype(float)
    observed = (weeks["observed_ratio"].astype(float).fillna(0.0) * days).sum()
    return {
        "areas": int(panel.area_weeks["area"].nunique()),
        "weeks": int(weeks["week"].nunique()),
        "customers": int(panel.customer_periods["customer_id"].nunique()),
        "observed_ratio": round(float(observed / days.sum()), 6) if days.sum() > 0 else None,
    }


def _version() -> str:
    try:
        return version("bairro")
    except PackageNotFoundError:
        return "unknown"
