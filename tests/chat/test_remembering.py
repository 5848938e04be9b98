"""What the bot goes by in a long conversation: what tells of a danger is forgotten last."""

import msgspec
import pytest

from backend.bot import dialogue
from backend.bot.rules import Rules
from backend.bot.talk import Person, Said, Triage
from backend.chat import remembering
from backend.chat.remembering import Remembered
from tests.chat.talks import a_reception

TURNS = 75  # more than the bot goes by


@pytest.fixture(scope="module")
def rules() -> Rules:
    return a_reception().rulebook.current


def talked(rules: Rules, texts: list[str]) -> tuple[Remembered, Triage]:
    """As `bot_turns` does it, without a database."""
    person = Person()
    now = Remembered(dialogue.begin(rules, person).memory, ())
    for seq, text in enumerate(texts):
        said = tuple(Said(texts[one]) for one in now.heard)
        memory = msgspec.structs.replace(now.memory, said=said)
        turn = dialogue.answer(rules, person, memory, Said(text))
        now = Remembered(turn.memory, remembering.after(rules, now, seq, turn))
        stored = remembering.closed(*now)
    assert len(msgspec.json.encode(stored)) < 2000
    assert turn.triage
    return now, turn.triage


def test_halves_of_a_danger_are_put_together_however_far_apart(rules: Rules) -> None:
    filler = [f"嗯，好的，我再等一等，第 {number} 次" for number in range(TURNS)]
    now, triage = talked(rules, ["有糖尿病", *filler, "恶心呕吐，喘"])
    assert [flag.id for flag in triage.red_flags] == ["dka_hypo"]
    assert {0, TURNS + 1} <= set(now.heard)
    assert len(now.heard) == dialogue.TURNS_MOST - 1


def test_what_was_seen_is_kept_with_its_words(rules: Rules) -> None:
    """Also among many words that might be of a danger."""
    many = [f"头有点痛，第 {number} 次" for number in range(TURNS)]
    now, triage = talked(rules, ["胸口压榨一样疼，出冷汗", *many])
    assert 0 in now.heard
    assert any(one.kind == "red_flag" and one.turn == 0 for one in triage.evidence)
