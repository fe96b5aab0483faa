"""20,000 bent replies: nothing crashes, hangs or grows, and what our decoders accept has pysnmp's values."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from collector.poll.snmp.codec import decode, encode_tlv, reply_id

from .fuzzing import Seed, bent, generated_seeds, recorded_seeds, seed
from .oracle import KNOWN, check_fast, disagreement, layout_of, read_by_us

PACKETS = 20_000
RECORDINGS = Path(__file__).parents[5] / "shared/data/snmp_recordings"


def test_good_replies_are_read_by_all() -> None:
    """But for those with a text of over 127 bytes, which only the general decoder reads."""
    for one in seeds(random.Random(3)):
        ours = read_by_us(one.data)
        assert not isinstance(ours, str)
        assert disagreement(one.data, ours) is None
        is_long = any(isinstance(bind.value, bytes) and len(bind.value) > 127 for bind in ours.varbinds)
        assert is_long or check_fast(one.data, one, layout_of(one), ours) >= 2


def test_a_community_length_written_the_long_way_is_heard() -> None:
    root = generated_seeds(random.Random(5), 1)[0].root.copy()
    assert isinstance(root.content, list)
    root.content[1].width = 1
    data = root.encode()
    assert b"\x04\x81\x06public" in data
    assert reply_id(data) == decode(data).request_id


@pytest.mark.parametrize("width", range(5))
def test_a_bare_unsigned_number_is_one_class_however_its_length_is_written(width: int) -> None:
    """pysnmp minds the missing zero byte, not the length written in ``width`` bytes more than it needs."""
    for content, expected in ((b"\xff\xff", "accepted here: unsigned"), (b"\x00\xff\xff", None)):
        root = seed([("1.3.6.1.2.1.2.2.1.9.4", encode_tlv(0x43, content))]).root.copy()
        root.walk()[-1].width = width
        ours = read_by_us(root.encode())
        assert not isinstance(ours, str)
        assert ours.varbinds[0].value == 65535
        assert disagreement(root.encode(), ours) == expected


@pytest.mark.slow
def test_bent_replies_have_pysnmps_values_or_are_refused() -> None:
    chance = random.Random(20261122)
    good = [(one, layout_of(one)) for one in seeds(chance)]
    classes: Counter[str] = Counter()
    accepted = fast = 0
    longest = 0.0
    for _ in range(PACKETS):
        one, layout = chance.choice(good)
        data = bent(chance, one, chance.choice(good)[0])
        began = time.process_time()
        ours = read_by_us(data)
        fast += check_fast(data, one, layout, ours)
        longest = max(longest, time.process_time() - began)
        accepted += not isinstance(ours, str)
        classes[disagreement(data, ours) or "agreed"] += 1
    assert set(classes) <= {*KNOWN, "agreed"}
    assert accepted > PACKETS / 5
    assert fast > PACKETS / 10
    assert longest < 0.5


def seeds(chance: random.Random) -> list[Seed]:
    """Generated replies, and real devices' where their recordings lie beside the checkout."""
    return generated_seeds(chance, 120) + recorded_seeds(chance, RECORDINGS, 81)
