"""Which credential is tried when, poll by poll."""

from __future__ import annotations

import pytest

from collector.credentials import Credential
from collector.poll.device.credential_rotation import BACK_OFF_AFTER, CredentialRotation
from collector.poll.objects.get_request import Access, access

TRIES = 3


def ways(count: int) -> list[Access]:
    return [access(Credential(f"c{n}", community=f"word{n}")) for n in range(count)]


def poll(
    attempts: CredentialRotation, *, works: str | None = None, refused: tuple[str, ...] = (), most: int = 100
) -> list[str]:
    """One poll: the name of each attempt with its tries; ``most`` attempts fit into its time."""
    attempts.begin(TRIES, 0)
    made = []
    while True:
        name = attempts.access.name
        made.append(f"{name}x{attempts.tries}")
        if name == works:
            attempts.worked()
            return made
        if len(made) == most or not attempts.next("refused" if name in refused else None):
            attempts.failed()
            return made


def test_the_only_one_has_all_tries() -> None:
    attempts = CredentialRotation(ways(1))
    assert poll(attempts) == ["c0x3"]
    assert attempts.failure is None
    attempts.begin(TRIES, BACK_OFF_AFTER)
    assert attempts.tries == 1


def test_in_rounds_until_one_works_which_then_comes_first() -> None:
    attempts = CredentialRotation(ways(3))
    assert poll(attempts, works="c2") == ["c0x1", "c1x1", "c2x1"]
    assert poll(attempts, works="c2") == ["c2x3"]
    assert poll(attempts, works="c1") == ["c2x3", "c0x1", "c1x1"]
    assert poll(attempts, works="c1") == ["c1x3"]


def test_rounds_pass_over_who_was_refused() -> None:
    attempts = CredentialRotation(ways(2))
    assert poll(attempts, refused=("c0",)) == ["c0x1", "c1x1", "c1x1", "c1x1"]
    assert attempts.failure == "refused"
    assert poll(attempts, refused=("c0", "c1")) == ["c0x1", "c1x1"]


def test_a_list_longer_than_a_poll_has_time_for_is_gone_through_in_several() -> None:
    attempts = CredentialRotation(ways(5))
    assert poll(attempts, most=2) == ["c0x1", "c1x1"]
    assert poll(attempts, most=2) == ["c2x1", "c3x1"]
    assert poll(attempts, most=2) == ["c4x1", "c0x1"]


@pytest.mark.parametrize(("once", "each"), [(None, 1), ("c1", 2)])
def test_after_three_polls_in_vain_one_more_at_a_time(once: str | None, each: int) -> None:
    attempts = CredentialRotation(ways(4))
    if once:
        poll(attempts, works=once)
    for _ in range(BACK_OFF_AFTER):
        poll(attempts)
    tried = [poll(attempts) for _ in range(4)]
    assert {len(made) for made in tried} == {each}
    others = {name for made in tried for name in made if not once or not name.startswith(once)}
    assert len(others) == (3 if once else 4), "all have their turn"
    if once:
        assert {made[0] for made in tried} == {f"{once}x3"}
