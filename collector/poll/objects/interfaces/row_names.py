"""Poll stage: what the rows of an interface table were called, so that a known row keeps its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from collector.poll.objects.interfaces.interface_rows import Names
from collector.poll.profile import Source
from collector.poll.snmp.codec import decode_subids

MOST_KNOWN = 10_000
"""Rows of a table that are remembered though they are gone, those of sessions among them."""

MOST_TWINS = 64
"""Rows of one text that are compared with a known row."""

Texts = Sequence[tuple[Source, Mapping[bytes, str]]]
"""The columns that may name a row, the best first, each with its texts by index."""


class KnownRow(NamedTuple):
    """The index that a row of a name had, and its texts by column."""

    at: bytes
    texts: Mapping[str, str]


def remembered(known: Mapping[str, KnownRow], texts: Texts, names: Names) -> dict[str, KnownRow]:
    """The rows that are known once ``names`` were given; those that are gone may come back."""
    new = {
        name: KnownRow(index, {column.name: found[index] for column, found in texts if index in found})
        for index, (name, _) in names.items()
    }
    return {**known, **new} if len(known) + len(new) <= MOST_KNOWN else new


def kept_names(known: Mapping[str, KnownRow], texts: Texts, natural: Names, uplink: str | None) -> dict[bytes, str]:
    """The rows that keep a name which the table alone would not give them: ``natural`` are the names that it would.

    A known row is one of the same texts, as far as only one has them, else the one at the same index. Where nothing is
    known of the uplink and several rows have its name, the first of them is it: a later one has come later, as a rule.
    An uplink that the inventory calls by its alias or description is called so.
    """
    kept: dict[bytes, str] = {}
    for column, found in texts:
        rows = _rows(found)
        twins = rows.get(uplink or "", []) if column.field == "name" else []
        if len(twins) > 1 and uplink is not None and uplink not in known and uplink not in kept.values():
            kept[min(twins, key=decode_subids)] = uplink
        for name, row in known.items():
            if column.name not in row.texts or natural.get(row.at, ("", None))[0] == name:
                continue
            index = _where(row, texts, rows.get(row.texts[column.name], [])[:MOST_TWINS])
            if index is not None and index not in kept and name not in kept.values() and _suits(name, texts, index):
                kept[index] = name
    if uplink is not None and uplink not in known and uplink not in kept.values():
        called = _called(uplink, texts, natural)
        if called is not None:
            kept[called] = uplink
    return {index: name for index, name in kept.items() if natural.get(index, ("", None))[0] != name}


def _called(uplink: str, texts: Texts, natural: Names) -> bytes | None:
    """The only row that the inventory can mean by an alias or a description, where no row has that name."""
    if any(name == uplink for name, _ in natural.values()):
        return None
    for _, found in texts:
        rows = [index for index, text in found.items() if text == uplink and index in natural]
        if rows:
            return rows[0] if len(rows) == 1 else None
    return None


def _rows(found: Mapping[bytes, str]) -> dict[str, list[bytes]]:
    rows: dict[str, list[bytes]] = {}
    for index, text in found.items():
        rows.setdefault(text, []).append(index)
    return rows


def _where(row: KnownRow, texts: Texts, rows: Sequence[bytes]) -> bytes | None:
    """Which of the rows is the known one: that with most of its texts, and of several of those the one at its index."""
    agreeing = {index: sum(found.get(index) == row.texts.get(c.name) for c, found in texts) for index in rows}
    best = [index for index, count in agreeing.items() if count == max(agreeing.values())]
    if row.at in best:
        return row.at
    return best[0] if len(best) == 1 else None


def _suits(name: str, texts: Texts, index: bytes) -> bool:
    """Whether the name is one of the row's texts still, or such a text with a number."""
    return any(index in found and name.split("#", maxsplit=1)[0] == found[index].split("#")[0] for _, found in texts)
