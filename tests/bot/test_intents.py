import pytest

from backend.bot import intents
from backend.bot.reading import Reading
from backend.bot.rules import Rules

ASKED = {
    "阑尾炎手术要花多少钱": "price",
    "胃溃疡不能吃什么东西": "precaution_diet",
    "痛风怎么治疗好": "treatment_question",
    "哪家医院看白内障好": "where_to_go",
    "为什么会得荨麻疹": "cause_question",
}


@pytest.mark.parametrize(("text", "intent"), ASKED.items())
def test_what_is_asked(shipped: Rules, text: str, intent: str) -> None:
    found, proofs = intents.classify(shipped, [Reading(shipped, text, 0)])
    assert found == intent
    assert proofs
    assert all(text[one.start : one.end] == one.text for one in proofs)


def test_the_latest_message_counts_and_nothing_is_other(shipped: Rules) -> None:
    first, last = list(ASKED)[:2]
    both = [Reading(shipped, text, turn) for turn, text in enumerate((first, last))]
    assert intents.classify(shipped, both)[0] == ASKED[last]
    assert intents.classify(shipped, []) == (intents.OTHER, [])
    assert intents.classify(shipped, [Reading(shipped, "", 0)])[0] == intents.OTHER
