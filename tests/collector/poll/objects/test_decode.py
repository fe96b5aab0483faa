"""Values as they came: texts in any encoding."""

from __future__ import annotations

import pytest

from collector.poll.objects import decode
from collector.poll.snmp.codec import Absent, Value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"ether1", "ether1"),
        ("Ligação à rede".encode(), "Ligação à rede"),
        ("Ligação".encode("latin-1"), "Ligação"),
        (b"GigabitEthernet0/1\0", "GigabitEthernet0/1"),
        (b"two\r\nlines\x1b[31m", "two lines [31m"),
        (b"\xff\xfe\x00", "ÿþ"),
        (b"  padded  ", "padded"),
        (b"", None),
        (b"\0\0", None),
        (b" \t", None),
        (7, None),
        (None, None),
        (Absent.NO_SUCH_INSTANCE, None),
        ((1, 3, 6), "1.3.6"),
        (b"x" * 1000, "x" * 255),
    ],
)
def test_text(value: Value, text: str | None) -> None:
    assert decode.text(value) == text
