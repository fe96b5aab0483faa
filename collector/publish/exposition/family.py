"""What a metric is: its name, kind and meaning, and the attribute that its value is read from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, fields
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, Literal

from bairro_error import BairroError
from collector.publish.exposition.content_negotiation import Form

Kind = Literal["gauge", "counter", "summary", "info"]
Detail = Literal["full", "summary", "area"]
DETAILS: tuple[Detail, ...] = ("full", "summary", "area")


class FamilyError(BairroError, ValueError):
    """A metric whose declaration cannot work; the message says in which file and what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One metric: ``detail`` is the least detail at which a device gets it (``area``: at every one).

    ``series`` says how many series one device, interface, channel, area or collector gets of it.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    detail: Detail = "full"
    series: int = 1

    def header(self, form: Form) -> str:
        """The HELP and TYPE lines.

        OpenMetrics names a counter without ``_total`` and an info without ``_info``; the classic format has no info.
        """
        name, kind = self.name, self.kind
        if form.is_openmetrics:
            name = name.removesuffix({"counter": "_total", "info": "_info"}.get(kind, ""))
        elif kind == "info":
            kind = "gauge"
        return f"# HELP {name} {self.help}\n# TYPE {name} {kind}\n"


@dataclass(frozen=True, slots=True, eq=False)
class Measured(Family):
    """A metric that is the attribute ``value`` of records of the class ``of``: None where there is no sample.

    Of a summary the attribute is count and sum. ``spelled`` is how a number is written that nearly every poll changes;
    without it a number is written as Go writes it. Raises FamilyError where records have no such attribute.
    """

    _: KW_ONLY
    of: type[Any]
    value: str
    spelled: str = ""

    def __post_init__(self) -> None:
        if not hasattr(self.of, self.value):
            raise FamilyError(
                f"collector/publish/exposition/families.py: {self.name} is read from {self.value!r}, which "
                f"{self.of.__name__} in {_file_of(self.of)} does not have: add it there, or name another attribute"
            )


def all_are_shown(families: Sequence[Measured]) -> None:
    """Raises FamilyError if no metric reads a field of their record, which is a dataclass."""
    kind = families[0].of
    unread = {field.name for field in fields(kind)} - {family.value for family in families}
    if unread:
        raise FamilyError(
            f"collector/publish/exposition/families.py: no metric is read from {', '.join(map(repr, sorted(unread)))} of "
            f"{kind.__name__} in {_file_of(kind)}: declare one, or take it out there"
        )


def all_shown_from(detail: Detail, families: Sequence[Measured]) -> None:
    """Raises FamilyError if one of a group that is written from ``detail`` on is declared for another."""
    for family in families:
        if family.detail != detail:
            raise FamilyError(
                f"collector/publish/exposition/families.py: {family.name} stands in a group that is shown from detail "
                f"{detail!r} on, and is declared for {family.detail!r}: declare it for {detail!r}, or put it into another group"
            )


def values_of(families: Sequence[Measured]) -> Callable[[Any], tuple[Any, ...]]:
    """What reads all their values of a record at once, in their order. They are of one class of records."""
    fields = getattr(families[0].of, "_fields", None)
    names = [family.value for family in families]
    if len(names) == 1:
        return lambda record: (getattr(record, names[0]),)
    if fields is not None and set(names) <= set(fields):
        return itemgetter(*map(fields.index, names))  # of a named tuple, in half the time
    return attrgetter(*names)


def _file_of(kind: type) -> str:
    path = Path(sys.modules[kind.__module__].__file__ or kind.__module__)
    return "/".join(path.parts[-kind.__module__.count(".") - 1 :])
