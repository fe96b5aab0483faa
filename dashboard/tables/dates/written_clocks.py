"""Times of day and zones as people and programs write them beside a date, rewritten as 22:00 and +01:00."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

QUOTED = r"^\s*['‘’`\"“”„]+\s*(.*?)\s*['‘’`\"“”]*\s*$"
"""'2024-01-05' as SQL writes it, '2024-01-05 as spreadsheets keep a text."""
_AT = (
    r"(?i)[,\s]+(?:om|um|kl\.?|klo|à|a las?|às|as|alle(?: ore)?|ore|la ora|at|o godz\.?|godz\.?|o|v|ob|в|у|о|pukul|jam|saat)"
    r"\s+(\d{1,2}\s*[.:h]|\d{1,2}\s*(?:h|hs|hrs|uur|uhr|ч)\b)"
)
"""5 januari 2024 om 22.00 uur, 5. Januar 2024 um 22 Uhr, 5 de enero de 2024 a las 22:00, 5 janvier 2024 à 22h00."""
_O_CLOCK = r"(?i)([.:h]\s?\d{2})\s*(?:uur|uhr|h|hs|hrs|hod\.?|ч\.?|ore)$"
_HOUR_ALONE = r"(?i)([\s,T])(\d{1,2})\s*(?:uur|uhr|h|hs|hrs|ч\.?)$"
_H = r"(?i)([\s,T]\d{1,2})\s?h\s?(\d{2})(?::?\d{2})?$"
_BEFORE_DOTS = r"(?i)^(.*(?:\d{4}|[-/.]\d{1,2}|[-/.]))[\sT,]+(\d{1,2})\.(\d{2})"
_HALF = r"(\s*[ap]\.?\s?m\.?)?$"
_COMMA = r",\s*(\d{1,2}:\d{2})"
ZONES = {
    **{"PDT": "-07:00", "MDT": "-06:00", "EDT": "-04:00", "WEST": "+01:00", "CET": "+01:00", "CEST": "+02:00"},
    **{"EET": "+02:00", "EEST": "+03:00", "MSK": "+03:00"},
}
"""Short names of zones that mean one thing; CST, IST, BST and the like mean several."""
NAMED_ZONE = r"(?P<clock>:\d{2}(?:[.,]\d+)?(?:\s*[AaPp]\.?[Mm]\.?)?)\s*\(?(?P<name>[A-Z]{2,5})\)?$"
_NO_ZONES = frozenset({"AM", "PM", "UTC", "GMT"})
_DAYS = (datetime.datetime(2024, 1, 15, 12), datetime.datetime(2024, 7, 15, 12))


def plain(texts: pa.Array) -> pa.Array:
    """Distinct ``texts`` without quotation marks around them, their time of day as 22:00 or 22:00:00."""
    if not pc.any(pc.match_substring_regex(texts, r"\pL|^\s*['‘’`\"“”„]|[\s,]\d{1,2}\.\d{2}|,")).as_py():
        return texts
    texts = pc.replace_substring_regex(texts, QUOTED, r"\1")
    texts = pc.replace_substring_regex(texts, _AT, r" \1")
    texts = pc.replace_substring_regex(texts, _O_CLOCK, r"\1")
    texts = pc.replace_substring_regex(texts, _HOUR_ALONE, r"\1\2:00")
    texts = pc.replace_substring_regex(texts, _H, r"\1:\2")
    texts = pc.replace_substring_regex(texts, _COMMA, r" \1")
    texts = _with_colons(texts)
    for name, offset in ZONES.items():
        texts = pc.replace_substring_regex(texts, rf"(:\d{{2}}(?:\s*[AaPp]\.?[Mm]\.?)?)\s*{name}$", rf"\1{offset}")
    return texts


def _with_colons(texts: pa.Array) -> pa.Array:
    """05.01.2024 22.00.30 as 05.01.2024 22:00:30."""
    texts = pc.replace_substring_regex(texts, rf"{_BEFORE_DOTS}\.(\d{{2}}){_HALF}", r"\1 \2:\3:\4\5")
    return pc.replace_substring_regex(texts, _BEFORE_DOTS + _HALF, r"\1 \2:\3\4")


def with_own_zone(column: pa.Array, zone: ZoneInfo) -> tuple[pa.Array, tuple[str, ...]]:
    """``column`` with offsets for the short names that ``zone`` has itself (CST in Chicago, IST in Kolkata), and these names."""
    encoded = column.dictionary_encode()
    found = pc.struct_field(pc.extract_regex(encoded.dictionary, NAMED_ZONE), "name")
    names = set(pc.unique(found.drop_null()).to_pylist()) - _NO_ZONES - set(ZONES)
    own = {name: offset for name, offset in _names_of(zone).items() if name in names}
    texts = encoded.dictionary
    for name, offset in own.items():
        texts = pc.replace_substring_regex(texts, NAMED_ZONE.replace("[A-Z]{2,5}", name), rf"\1{offset}")
    return (texts.take(encoded.indices), tuple(sorted(own))) if own else (column, ())


def _names_of(zone: ZoneInfo) -> dict[str, str]:
    """The zone's short names in winter and summer, and what they are ahead of UTC."""
    there = [day.replace(tzinfo=zone) for day in _DAYS]
    return {day.tzname() or "": f"{day:%z}"[:3] + ":" + f"{day:%z}"[3:5] for day in there}
