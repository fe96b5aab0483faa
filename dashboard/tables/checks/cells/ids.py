"""Ids as exports write them: what may be taken off or put on, and which of it makes one export's ids another's."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

COLUMNS = frozenset({"customer_id", "complaint_id", "response_id", "device_id", "area", "plan"})
"""Our columns that hold ids, or names by which rows are joined."""
AROUND = r"^(?:=\s*\"([^\"]*)\"|'([^']*)'|'(\d[^']*)|\"([^\"]*)\"|“([^”]*)”)$"
"""How spreadsheets keep a number a text: ="00012", '00012. The apostrophe of 't Zand is its own."""
JOINERS = r"[\x{200c}\x{200d}]"
UNUSUAL = r"^[^\w]|[^\w]$|[^\x00-\x7f]|\s\s|[\t\r\n]"
"""What an id has at an end, or within, where it has to be cleaned."""
SHORTENED = r"^[+-]?\d+(?:[.,]\d+)?[eE]\+\d+$|^[+-]?\d+[.,]\d+[eE]\d+$"
"""Long numbers as Excel shows them, 1.2E+10: the digits that are left out are lost."""
WHOLE_NUMBER = r"^\d+(?:[.,]0+)?$"
DECIMAL = r"^(\d+)[.,]0+$"
SEPARATORS = " .,'’-_/\u00a0\u202f"
WIDTHS = range(2, 21)
SAMPLE = 200
LEAST_SHARE = 0.1


@dataclass(frozen=True)
class Way:
    """How ids are to be rewritten, in this order; as the options of a mapping's column.

    ``strip_decimals``: 12.0 is 12. ``digits``: only the digits. ``remove``: these characters are taken out. ``lower``,
    ``upper``: the case. ``strip_zeros``: zeros before a number go; ``pad``: numbers get zeros up to so many digits.
    """

    strip_decimals: bool = False
    digits: bool = False
    remove: str = ""
    lower: bool = False
    upper: bool = False
    strip_zeros: bool = False
    pad: int = 0

    def __bool__(self) -> bool:
        return self != Way()

    def of(self, text: str) -> str:
        """One id, rewritten."""
        if self.strip_decimals:
            text = re.sub(r"^(\d+)[.,]0+$", r"\1", text)
        if self.digits:
            text = re.sub(r"\D", "", text) or text
        for character in self.remove:
            text = text.replace(character, "")
        text = text.lower() if self.lower else text.upper() if self.upper else text
        if self.strip_zeros:
            text = re.sub(r"^(\D*)0+(?=\d)", r"\1", text)
        return text.zfill(self.pad) if self.pad and text.isdigit() else text

    @property
    def options(self) -> str:
        """As it is written in a sentence."""
        return ", ".join(self.lines)

    @property
    def lines(self) -> list[str]:
        """As it is written in a mapping."""
        pairs = [(name, getattr(self, name)) for name in self.__dataclass_fields__]
        return [
            f"{name} = {'true' if value is True else repr(value) if isinstance(value, int) else _quoted(value)}"
            for name, value in pairs
            if value
        ]

    @property
    def reason(self) -> str:
        """What the two exports write differently, in words."""
        said = {
            "leading zeros": self.strip_zeros or self.pad,
            "a decimal .0": self.strip_decimals,
            "upper and lower case": self.lower or self.upper,
            "separators within ids": self.remove,
            "letters around the number": self.digits,
        }
        return " and ".join(name for name, is_so in said.items() if is_so)


def cleaned(text: pa.Array) -> pa.Array:
    """Ids without quotes, blanks and unseen characters around them, and with one blank within where several are;
    12.0 is 12 in a column of whole numbers."""
    text = _whole(text)
    if not pc.any(pc.match_substring_regex(text, UNUSUAL)).as_py():
        return text
    bare = pc.replace_substring_regex(pc.replace_substring_regex(text, JOINERS, ""), r"\s+", " ")
    bare = pc.utf8_trim_whitespace(pc.replace_substring_regex(bare, AROUND, r"\1\2\3\4\5"))
    return pc.if_else(pc.equal(bare, ""), pa.scalar(None, pa.string()), bare)


def _whole(text: pa.Array) -> pa.Array:
    """Programs that keep ids as numbers write some of them, or every one, with a fraction."""
    has_fraction = pc.match_substring_regex(text, DECIMAL)
    if not pc.any(has_fraction).as_py() or not pc.all(pc.match_substring_regex(text, WHOLE_NUMBER)).as_py():
        return text
    return pc.replace_substring_regex(text, DECIMAL, r"\1")


def rewritten(text: pa.Array, way: Way) -> pa.Array:
    """A column of ids in another way; each different one once."""
    if not way:
        return text
    encoded = text.dictionary_encode()
    made = pa.array([way.of(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return made.take(encoded.indices) if len(made) else text


@dataclass(frozen=True)
class Likeness:
    """A way in which ids would join, and one of them as it stands here and as it stands on record.

    ``way`` is of the ids here, or where ``is_theirs`` of those on record.
    """

    way: Way
    here: str
    there: str
    joined: int
    tried: int
    is_theirs: bool = False


def likeness(ids: pa.Array, are_known: Callable[[Sequence[str]], Sequence[bool]]) -> Likeness | None:
    """The simplest way that makes most of ``ids`` (none of them known) known; None where hardly any is.

    ``are_known`` tells of ids whether they are on record: also where only keyed hashes of those are stored.
    """
    sample = [str(value) for value in pc.unique(ids.drop_null()).to_pylist()[:SAMPLE]]
    best: Likeness | None = None
    tried: dict[tuple[str, ...], None] = {tuple(sample): None}
    for way in sorted(_ways(), key=lambda way: way.options.count("=")):
        texts = tuple(way.of(text) for text in sample)
        if texts in tried:
            continue
        tried[texts] = None
        known = are_known(texts)
        count = sum(known)
        if count >= max(1, LEAST_SHARE * len(sample)) and (best is None or count > best.joined):
            at = list(known).index(True)
            best = Likeness(way, sample[at], texts[at], count, len(sample))
    return best or _likeness_of_theirs(sample, are_known)


def _likeness_of_theirs(sample: Sequence[str], are_known: Callable[[Sequence[str]], Sequence[bool]]) -> Likeness | None:
    """The same where it is the ids on record that have something that these lack: a decimal .0, separators."""
    forms = [(Way(strip_decimals=True), [f"{text}.0" for text in sample])]
    for mark in ",. ":
        grouped = [f"{int(text):,}".replace(",", mark) if text.isdecimal() else text for text in sample]
        forms.append((Way(remove=mark), grouped))
    for way, texts in forms:
        known = are_known(texts)
        if sum(known) >= max(1, LEAST_SHARE * len(sample)):
            at = list(known).index(True)
            return Likeness(way, sample[at], texts[at], sum(known), len(sample), is_theirs=True)
    return None


def _ways() -> Iterator[Way]:
    cases = ((False, False), (True, False), (False, True))
    zeros = ((False, 0), (True, 0), *((False, width) for width in WIDTHS))
    for decimals, removed, case, zero in itertools.product((False, True), ("", SEPARATORS, None), cases, zeros):
        yield Way(decimals, removed is None, removed or "", *case, *zero)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
