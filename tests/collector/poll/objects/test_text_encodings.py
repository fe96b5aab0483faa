"""Texts that agents give in other encodings than UTF-8 are read as they were meant."""

from __future__ import annotations

import pytest

from collector.poll.objects import decode
from collector.poll.objects.text_encodings import decoded

CYRILLIC = (
    "Москва",
    "Подъезд 3",
    "АПЛИНК",
    "Коммутатор доступа",
    "eth0 Ленина 12",
    "ул. Гагарина",
    "Ёлка",
    "порт-24 (магистраль)",
)
CHINESE = ("上行链路", "北京", "接入交换机", "核心路由器 Gi0/1", "到机房A", "用户端口", "上海-杭州")
LATIN = (
    "São Paulo",
    "Jyväskylä",
    "Sääksjärvi",
    "Großräschen",
    "Città di Castello",
    "Café",
    "Málaga 3º",
    "Übergabe",
    "Ærø",
    "Fürth Süd",
)


@pytest.mark.parametrize(
    ("texts", "encoding", "name"),
    [(CYRILLIC, "cp1251", "cp1251"), (CHINESE, "gbk", "GBK"), (LATIN, "latin-1", "Latin-1")],
    ids=["cp1251", "GBK", "Latin-1"],
)
def test_the_letters_tell_the_encoding(texts: tuple[str, ...], encoding: str, name: str) -> None:
    assert [decoded(text.encode(encoding)) for text in texts] == [(text, name) for text in texts]


def test_utf_8_is_never_guessed_at() -> None:
    for text in (*CYRILLIC, *CHINESE, *LATIN, "plain", ""):
        assert decoded(text.encode()) == (text, "UTF-8")


@pytest.mark.parametrize(
    "value", [b"\xff", b"\x80\x81\x82", b"\xc0", b"a\xe9", bytes(range(128, 256)), b"\xd6\xd0\xff"]
)
def test_bytes_that_mean_nothing_are_read_all_the_same(value: bytes) -> None:
    text, name = decoded(value)
    assert text
    assert name in ("Latin-1", "cp1251", "GBK")


def test_zeros_after_a_text_do_not_hide_its_encoding() -> None:
    assert decode.text("Москва".encode("cp1251") + b"\0\0") == "Москва"
