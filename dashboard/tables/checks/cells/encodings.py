"""Text whose bytes were read in the wrong encoding, once or several times over (SÃ£o is São), and letters that were lost."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

READ_AS = ("cp1252", "cp1251", "latin-1", "cp850", "cp437", "mac_roman")
"""In which UTF-8 is read by mistake."""
NON_ASCII = re.compile(r"[^\x00-\x7f]+")
REPLACEMENT = "\ufffd"
WITHIN_A_WORD = re.compile(r"(?<=[^\W\d_])\?(?=[^\W\d_])")
"""A question mark where a letter was."""
TIMES = 3


def mended(text: str) -> str | None:
    """What ``text`` was before its UTF-8 was read in another encoding; None where it was not."""
    found = text
    for _ in range(TIMES):
        better = next((tried for name in READ_AS if (tried := _once(found, name)) is not None), None)
        if better is None:
            break
        found = better
    return found if found != text else None


def _once(text: str, encoding: str) -> str | None:
    """The text with every run of other than ASCII characters decoded again; None where none of them is UTF-8."""
    changed = False

    def again(run: re.Match[str]) -> str:
        nonlocal changed
        made = _decoded(run[0], encoding)
        changed |= made is not None
        return made if made is not None else run[0]

    made = NON_ASCII.sub(again, text)
    return made if changed else None


def _decoded(run: str, encoding: str) -> str | None:
    try:
        raw = b"".join(_byte(character, encoding) for character in run)
        made = raw.decode("utf-8")
    except UnicodeError:
        return None
    is_text = all(character.isprintable() or "\x80" <= character <= "\xa0" for character in made)
    return made if is_text else None


def _byte(character: str, encoding: str) -> bytes:
    """As Windows reads it: bytes that the code page does not have are control characters."""
    try:
        return character.encode(encoding)
    except UnicodeEncodeError:
        if ord(character) < 256:
            return bytes([ord(character)])
        raise


def damaged(texts: pa.Array, *, are_words: bool) -> dict[str, str | None]:
    """Of the different ``texts`` those that were read wrongly, with what they probably were; None where letters are lost.

    Only in words (``are_words``) a question mark between letters is a lost one: addresses of pages have some too.
    """
    beyond = texts.filter(pc.match_substring_regex(texts, r"[^\x00-\x7f]|\pL\?\pL"))
    found: dict[str, str | None] = {}
    for text in beyond.to_pylist():
        if REPLACEMENT in text or (are_words and WITHIN_A_WORD.search(text)):
            found[text] = None
        elif (better := mended(text)) is not None:
            found[text] = better
    return found
