"""Shares have an interval, and nothing that is hidden can be subtracted from what is shown."""

from datetime import date
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.bot.talk import Evidence, HandOver, Memory, Reply, Said, Turn
from backend.chat.weekly import secrets_of
from backend.chat.zero_hits import is_zero_hit
from backend.shares import LEAST, hidden, share, wilson
from tests.chat.duties import a_triage


@pytest.mark.parametrize(
    ("hit", "of", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),  # Agresti and Coull 1998 use the same formula
        (0, 10, 0.0, 0.2775),
        (35, 35, 0.9011, 1.0),  # a lower bound above 90 % needs 35
        (34, 34, 0.8985, 1.0),
    ],
)
def test_wilson(hit: int, of: int, low: float, high: float) -> None:
    assert wilson(hit, of) == pytest.approx((low, high), abs=5e-5)


def test_too_few_are_no_share() -> None:
    assert share(9, 9) is None
    assert share(10, 10) is not None


@given(st.dictionaries(st.integers(0, 9), st.integers(0, 40), max_size=8))
def test_what_is_hidden_stays_hidden(cells: dict[int, int]) -> None:
    out = hidden(cells)
    assert {key for key, n in cells.items() if 0 < n < LEAST} <= out
    shown_others = [n for key, n in cells.items() if key not in out and n]
    if out and shown_others:  # the sum minus what is shown is no single cell, and not small
        assert len(out) >= 2
        assert sum(cells[key] for key in out) >= LEAST


def a_hit(rule_id: str, turn: int = 0) -> Evidence:
    return Evidence(turn, 0, 1, "x", rule_id, "1", "slot")


def a_turn(text: str = "", **facts: object) -> Turn:
    told: dict[str, object] = {
        "memory": Memory("r@1", (Said(text),), asked="slot:symptom"),
        "replies": (Reply("text", "请说说哪里不舒服"),),
        "triage": a_triage(),
    }
    return Turn(**(told | facts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "turn", "zero"),
    [
        (Said("阿巴阿巴"), a_turn(), True),
        (Said("  "), a_turn(), False),
        (Said(choice="human"), a_turn(), False),
        (Said("几点开门"), a_turn(replies=(Reply("faq", "八点"),)), False),
        (Said("转人工"), a_turn(actions=(HandOver("asked"),)), False),
        (Said("嗯嗯嗯"), a_turn(actions=(HandOver("not_understood"),)), True),
        (Said("谢谢"), a_turn(memory=Memory("r@1", (Said("谢谢"),))), False),
        (Said("三天"), a_turn(triage=a_triage(evidence=(a_hit("duration"),))), False),
        (Said("呱"), a_turn(triage=a_triage(evidence=(a_hit("learned_departments:1"),))), True),
        (Said("呱"), a_turn(triage=a_triage(evidence=(a_hit("duration", turn=-1),))), True),
    ],
)
def test_what_the_bot_did_not_understand(said: Said, turn: Turn, zero: bool) -> None:
    assert is_zero_hit(said, turn) is zero


def test_no_sum_in_either_direction_gives_a_hidden_week_away() -> None:
    a, b, c = uuid4(), uuid4(), uuid4()
    weeks = [date(2026, 11, 2), date(2026, 11, 9), date(2026, 11, 16)]
    counts = {a: (30, 4, 40), b: (50, 20, 60), c: (15, 25, 70)}
    grid = {
        (place, week): n
        for place, row in counts.items()
        for week, n in zip(weeks, row, strict=True)
    }
    secret = secrets_of(grid)
    assert (a, weeks[1]) in secret
    for key in secret:  # each hidden cell has company in its row and in its column
        for at in (0, 1):
            line = [one for one in secret if one[at] == key[at]]
            assert len(line) > 1
            assert sum(grid[one] for one in line) >= LEAST
    assert secrets_of({key: n + LEAST for key, n in grid.items()}) == set()
