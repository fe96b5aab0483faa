"""Poll stage: texts of agents that do not know UTF-8, in the encoding that their letters tell: cp1251, GBK or Latin-1.

SnmpAdminString is UTF-8 (RFC 3411 section 5), DisplayString is ASCII (RFC 2579); agents give whatever was typed.
"""

from __future__ import annotations

import re

_WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
_CYRILLIC_WORD = re.compile(rb"[\xc0-\xdf\xa8]?[\xe0-\xff\xb8]+|[\xc0-\xdf\xa8]+")
_RUN = re.compile(rb"[\x80-\xff]+")
_COMMON = range(0xB0, 0xD8)
"""First bytes of the 3,755 commonest Chinese characters (GB 2312, level 1)."""


def decoded(value: bytes) -> tuple[str, str]:
    """The text, and the name of the encoding that it was read in: ``UTF-8`` where it is that, else a guess."""
    try:
        return value.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError:
        pass
    if _is_cyrillic(value):
        return value.decode("cp1251", "replace"), "cp1251"
    if _is_chinese(value):
        return value.decode("gbk", "replace"), "GBK"
    return value.decode("latin-1"), "Latin-1"


def _is_cyrillic(value: bytes) -> bool:
    """Whether the words that are not ASCII have no Latin letter in them, and are in capitals or small letters as words are.

    In western languages such letters stand among Latin ones.
    """
    words = [word for word in _WORD.findall(value) if not word.isascii()]
    return all(map(_CYRILLIC_WORD.fullmatch, words)) and max(map(len, words)) > 2


def _is_chinese(value: bytes) -> bool:
    """Whether what is not ASCII is pairs of bytes that are characters, and most of them common ones."""
    runs = _RUN.findall(value)
    if any(len(run) % 2 for run in runs):
        return False
    try:
        value.decode("gb2312")
    except UnicodeDecodeError:
        return False
    firsts = [byte for run in runs for byte in run[::2]]
    return 2 * sum(first in _COMMON for first in firsts) > len(firsts)
