"""The guard at the door: cells that look like a person's address, phone or words are kept out of the records."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collector.published import TableSpec
from dashboard.tables.readers.sheets import Fault, UnreadableError

E_MAIL = r"[^\s@]+@[^\s@]+\.[^\s@]+"
INTERNATIONAL_PHONE = r"^(?:\+|00)\d[\d\s().-]{7,}$"
# In a column of ids or areas these are ticket numbers, addresses of devices and census codes.
NATIONAL_PHONE = r"^(?:\(?\d{2,4}\)?(?:[\s.-]\d{2,4}){2,}|\d{9,})$"
LONGEST = 120
FREE_OF_IT = ("customer_id", "geometry", "timezone", "category", "end_reason")
# Words of a few kinds: what has more than this many different ones is something else, such as names.
KINDS = {"technology": 100, "channel": 200, "source": 200, "plan": 5_000}


def personal_cells(rows: pa.Table, spec: TableSpec) -> list[Fault]:
    """Rows with an e-mail address, a phone number or free text in a column of words.

    Raises UnreadableError where a column of kinds (channel, technology, ...) has far too many different ones: no rule
    can tell a name from a word, but people's names are many.
    """
    faults = []
    lines = rows.column("line").to_numpy()
    for name in [column.name for column in spec.columns if column.type == "text" and column.name not in FREE_OF_IT]:
        encoded = rows.column(name).combine_chunks().dictionary_encode()
        if len(encoded.dictionary) > KINDS.get(name, len(rows)):
            raise UnreadableError(
                f"{name} has {len(encoded.dictionary):,} different values, and at most {KINDS[name]:,} are taken:"
                " that looks like names or free text; leave the column out, or map it with --mapping"
            )
        positions = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
        given = encoded.indices.is_valid().to_numpy(zero_copy_only=False)
        for bad, reason in _looks(encoded.dictionary, name):
            if bad.any():
                faults += [Fault(line, name, reason) for line in lines[bad[positions] & given].tolist()]
    return faults


def _looks(texts: pa.Array, name: str) -> Iterator[tuple[np.ndarray, str]]:
    def matches(pattern: str) -> np.ndarray:
        return np.asarray(pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False), dtype=bool)

    mail = matches(E_MAIL)
    phone = matches(INTERNATIONAL_PHONE) | (matches(NATIONAL_PHONE) if name in (*KINDS, "name") else False)
    words = np.asarray(pc.greater(pc.utf8_length(texts), LONGEST).to_numpy(zero_copy_only=False), dtype=bool)
    words |= matches(r"[\r\n]")
    yield mail, "looks like an e-mail address"
    yield phone & ~mail, "looks like a phone number"
    yield words & ~mail, f"looks like free text (over {LONGEST} characters, or several lines)"
