"""One is singular, whatever is counted."""

from __future__ import annotations

import pytest

from collector import counted


@pytest.mark.parametrize(
    ("number", "noun", "verb", "said"),
    [
        (1, "device", "", "1 device"),
        (0, "device", "", "0 devices"),
        (1200, "device", "have", "1,200 devices have"),
        (1, "address", "are", "1 address is"),
        (2, "address", "are", "2 addresses are"),
        (3, "try", "", "3 tries"),
        (2, "day", "", "2 days"),
    ],
)
def test_counted(number, noun, verb, said):
    assert counted.of(number, noun, verb) == said
