"""In which encoding a text was written: told from all of its bytes, or said not to be known for sure."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.tables.readers.sheets import UnreadableError

NAMES = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Windows-1252",
    "cp1250": "Windows-1250",
    "cp1251": "Windows-1251",
    "cp1253": "Windows-1253",
    "cp1254": "Windows-1254",
    "cp1255": "Windows-1255",
    "cp1256": "Windows-1256",
    "cp1257": "Windows-1257",
    "cp850": "DOS 850",
    "cp852": "DOS 852",
    "cp857": "DOS 857",
    "cp737": "DOS 737",
    "cp866": "DOS 866",
    "koi8-r": "KOI8-R",
    "koi8-u": "KOI8-U",
    "iso8859-2": "ISO 8859-2",
    "iso8859-5": "ISO 8859-5",
    "iso8859-7": "ISO 8859-7",
    "mac-roman": "Mac OS Roman",
    "mac-cyrillic": "Mac OS Cyrillic",
}
OF_ONE_BYTE = tuple(name for name in NAMES if not name.startswith("utf"))
OF_OLD_MACS = ("mac-roman", "mac-cyrillic")
SIGNS = re.compile(rb"[\x80\x85\x91-\x97\x99\xa0\xa3\xa7\xa9-\xab\xae\xb0\xb2-\xb4\xb7\xb9-\xbb]*")
"""Bytes that are € £ ° º ª and quotation marks in Windows-1252: without letters beside them nothing else is meant."""
MARKED_LINE = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")
MARKED_WORD = re.compile(r"[^\s,;|\"\t]*[^\x00-\x7f][^\s,;|\"\t]*")
LOOKED_AT = 200_000
"""Bytes of different lines with other letters than A to Z; more of them decide nothing."""
SURE, SURE_OF_FEW, FEW = 1.1, 1.4, 5
"""By so much the best reading has to be likelier than one with other letters, and where only few words tell."""
WESTERN = 1.3
"""By so much Windows-1252 is likelier beforehand: Western programs write it, and others' texts seldom look like it."""
MOST_ODD = 0.2
LEAST_LIKELY = 0.003
"""Texts of the languages above lie at 0.009 and more, those of other scripts that are read as such below 0.001."""
NO_LETTERS = ("So", "Sm", "Sk", "No", "Cc", "Co", "Cn")
"""Categories of Unicode: signs, figures and controls, but no quotation marks, dashes and currencies."""
WITHIN_WORDS = "’·‑–—"
VOWELS = tuple("aeiouáéíóúäöüAEIOUÁÉÍÓÚ")
"""Before them Polish writes ni for ń, while Spanish ñ stands nowhere else; after others German writes no ß."""
USUAL = tuple(f"cp125{last}" for last in range(7))
"""Windows' own: beside one of these as likely, those of DOS, of old Macs and of other systems deserve a note only."""
NEARLY = 2.0
LARGEST_DAMAGE = 0.1


@dataclass(frozen=True)
class Decoded:
    """A text as UTF-8, how its encoding is called, and what is to be said where that is not sure, or hardly in doubt."""

    content: bytes
    name: str
    warning: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class _Reading:
    """One way to read a text: how likely, by which encoding, and the words that have other letters than A to Z."""

    likelihood: float
    encoding: str
    words: tuple[str, ...]


def decoded(content: bytes, stated: str | None = None, *, is_old_mac: bool = False) -> Decoded:
    """The text of a file in UTF-8; ``stated`` is the encoding that somebody said. Raises UnreadableError."""
    if stated is not None:
        return _as_stated(content, stated)
    if (wide := _wide(content)) is not None:
        return Decoded(_decode(content, wide).encode(), NAMES["utf-16"])
    if b"\0" in content:
        raise UnreadableError("is not text (it holds zero bytes): export it as CSV")
    content = content.removeprefix(codecs.BOM_UTF8)
    if _is_utf_8(content):
        return Decoded(content.decode(errors="replace").encode(), NAMES["utf-8"])
    return _of_one_byte(content, OF_OLD_MACS if is_old_mac else OF_ONE_BYTE)


def _as_stated(content: bytes, stated: str) -> Decoded:
    try:
        known = codecs.lookup(stated)
        text = content.decode(known.name)
    except (LookupError, UnicodeError):
        raise UnreadableError(f"cannot be read in the encoding {stated!r}, as was said") from None
    return Decoded(text.removeprefix("\ufeff").encode(), NAMES.get(known.name, known.name))


def _wide(content: bytes) -> str | None:
    """The encoding of two bytes a letter, by its mark or by where the zeros stand."""
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    head = content[: LOOKED_AT - LOOKED_AT % 2]
    zeros = [head[at::2].count(0) / max(1, len(head) // 2) for at in (0, 1)]
    if max(zeros) < 0.7 or min(zeros) > 0.1:
        return None
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _is_utf_8(content: bytes) -> bool:
    """Whether the text is UTF-8, be it that a few letters are damaged: their rows are refused later on."""
    try:
        content.decode()
    except UnicodeDecodeError:
        text = content.decode(errors="replace")
        beyond = len(text) - len(text.encode("ascii", "ignore"))
        return text.count("\ufffd") <= LARGEST_DAMAGE * beyond
    return True


def _decode(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise UnreadableError(
            f"is not text in {NAMES.get(encoding, 'UTF-16')}, as it seems to be: export it as UTF-8"
        ) from None


def _of_one_byte(content: bytes, candidates: Sequence[str]) -> Decoded:
    lines = b"\n".join(sorted(set(MARKED_LINE.findall(content))))
    if SIGNS.fullmatch(re.sub(rb"[\x00-\x7f]", b"", lines)):
        return Decoded(_decode(content, "cp1252").encode(), NAMES["cp1252"])
    readings = _readings(lines[:LOOKED_AT], candidates)
    best = _best([one for one in readings if _can_read(content, one.encoding)])
    if best is None:
        raise UnreadableError(
            "is text in an encoding that nobody can tell: export it as UTF-8, or say which with --encoding (or encoding = in a mapping)"
        )
    text, name = _decode(content, best.encoding).encode(), NAMES[best.encoding]
    other = _rival(best, readings)
    if other is None:
        return Decoded(text, name)
    said = _doubt(best, other)
    is_rare = best.encoding in USUAL and other.encoding not in USUAL
    return (
        Decoded(text, name, note=said) if is_rare else Decoded(text, name, warning=f"its encoding is not sure: {said}")
    )


def _readings(lines: bytes, candidates: Sequence[str]) -> list[_Reading]:
    """The ways to read the lines, likeliest first: by the letters that follow one another in many languages (chardet's
    models), less where letters stand as none are written."""
    import chardet

    found = chardet.detect_all(lines, ignore_threshold=True, include_encodings=candidates, compat_names=False)
    readings = []
    for one in found:
        encoding = str(one["encoding"])
        try:
            words = tuple(dict.fromkeys(MARKED_WORD.findall(lines.decode(encoding))))
        except UnicodeDecodeError:
            continue
        odd = _odd_share(words)
        likelihood = one["confidence"] * (1 - 4 * odd) * (WESTERN if encoding == "cp1252" else 1)
        if odd <= MOST_ODD and likelihood >= LEAST_LIKELY:
            readings.append(_Reading(likelihood, encoding, words))
    return sorted(readings, key=lambda one: -one.likelihood)


def _can_read(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _best(readings: Sequence[_Reading]) -> _Reading | None:
    """The likeliest, or one that is nearly as likely and better written."""
    best = readings[0] if readings else None
    for other in readings[1:]:
        if best is not None and other.likelihood * NEARLY >= readings[0].likelihood and not _is_rival(best, other):
            best = other
    return best


def _rival(best: _Reading, readings: Sequence[_Reading]) -> _Reading | None:
    """Another reading with other letters that is nearly as likely, and as well written."""
    other = next((one for one in readings if one.words != best.words and _is_rival(one, best)), None)
    sure = SURE if len(best.words) >= FEW else SURE_OF_FEW
    return None if other is None or best.likelihood >= sure * other.likelihood else other


def _doubt(best: _Reading, other: _Reading) -> str:
    here, there = next((a, b) for a, b in zip(best.words, other.words, strict=False) if a != b)
    return (
        f"it was read as {NAMES[best.encoding]} ({here}), and may be {NAMES[other.encoding]} ({there});"
        f" where that is right, say --encoding {other.encoding}, else --encoding {best.encoding}, or export it as UTF-8"
    )


def _is_rival(other: _Reading, best: _Reading) -> bool:
    """Whether ``other`` is not plainly worse written: no capital letters within words, signs for letters and the like
    where ``best`` has none."""
    pairs = [(a, b) for a, b in zip(other.words, best.words, strict=False) if len(a) == len(b)]
    is_worse = any(_is_worse(there, here) for there, here in pairs)
    return not is_worse or any(_is_worse(here, there) for there, here in pairs)


def _is_worse(word: str, than: str) -> bool:
    """Whether a letter of ``word`` stands where none is written so, and that of the other reading is no such one."""
    for at, (letter, other) in enumerate(zip(word, than, strict=True)):
        if letter == other:
            continue
        before, after = word[at - 1 : at], word[at + 1 : at + 2]
        is_sign = other.isalpha() and not letter.isalpha() and letter not in WITHIN_WORDS
        is_capital_within = before.islower() and letter.isupper() and not other.isupper()
        is_small_name = at == 0 and other.isupper() and letter.islower()
        is_polish_only = letter in "ńŃ" and after in VOWELS
        is_after_none = letter == "ß" and before.lower() not in VOWELS
        if is_sign or is_capital_within or is_small_name or is_polish_only or is_after_none:
            return True
    return False


def _odd_share(words: Sequence[str]) -> float:
    """The share of letters beyond ASCII that stand where no letter is written so: signs within words, capitals after
    small letters, words of several scripts."""
    letters = odd = 0
    for word in words:
        beyond = [at for at, letter in enumerate(word) if ord(letter) > 127]
        letters += len(beyond)
        odd += sum(_is_odd(word, at) for at in beyond)
        odd += len({_script(letter) for letter in word if letter.isalpha()}) > 1
    return odd / max(1, letters)


def _is_odd(word: str, at: int) -> bool:
    letter, before, after = word[at], word[at - 1 : at], word[at + 1 : at + 2]
    if not letter.isalpha():
        beside = [one.isalpha() or one > "\x7f" for one in (before, after) if one]
        is_within = len(beside) == 2 and all(beside) and letter not in WITHIN_WORDS
        return is_within or (any(beside) and unicodedata.category(letter) in NO_LETTERS)
    if letter.isupper():
        return before.islower()
    return before.isupper() and after.isupper()


def _script(letter: str) -> str:
    name = unicodedata.name(letter, "")
    return next((script for script in ("CYRILLIC", "GREEK", "HEBREW", "ARABIC") if name.startswith(script)), "LATIN")
