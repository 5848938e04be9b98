"""What was learnt a moment ago is believed for that moment, and does not pile up."""

import pytest

from backend import recent
from backend.recent import Recent

TTL_S = 10.0


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Where the clock stands."""
    hands = [1000.0]
    monkeypatch.setattr(recent, "monotonic", lambda: hands[0])
    return hands


def test_it_is_believed_for_its_time(hands: list[float]) -> None:
    kept: Recent[str, int] = Recent(TTL_S)
    kept.keep("a", 1)
    hands[0] += TTL_S - 0.1
    assert (kept.get("a"), kept.get("b")) == (1, None)
    hands[0] += 0.1
    assert kept.get("a") is None


def test_the_newest_word_counts(hands: list[float]) -> None:
    kept: Recent[str, int] = Recent(TTL_S)
    kept.keep("a", 1)
    hands[0] += TTL_S
    kept.keep("a", 2)
    assert kept.get("a") == 2
    kept.keep("a", 3)
    assert kept.get("a") == 3


def test_what_turned_old_just_now_is_still_believed(hands: list[float]) -> None:
    kept: Recent[str, int] = Recent(TTL_S)
    hands[0] += TTL_S - 0.1
    kept.keep("a", 1)
    hands[0] += 0.1
    kept.keep("b", 2)  # a new generation begins
    assert (kept.get("a"), kept.get("b")) == (1, 2)


def test_it_can_be_forgotten(hands: list[float]) -> None:
    kept: Recent[str, int] = Recent(TTL_S)
    kept.keep("a", 1)
    kept.keep("b", 2)
    kept.forget("a")
    kept.forget("c")
    assert (kept.get("a"), kept.get("b")) == (None, 2)
    kept.clear()
    assert kept.get("b") is None


def test_it_stays_small(hands: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST", 10)
    kept: Recent[int, int] = Recent(TTL_S)
    for number in range(1000):
        kept.keep(number, number)
    found = [number for number in range(1000) if kept.get(number) is not None]
    assert len(found) <= 20
    assert 999 in found
