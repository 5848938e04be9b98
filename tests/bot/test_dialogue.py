"""Conversations: the same in, the same out; a human at every step; nothing raises."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.bot import dialogue, rules
from backend.bot.rules import Rules
from backend.bot.talk import Book, HandOver, Memory, Person, Said, Start, Turn

NOBODY = Person()


def talk(by: Rules, *said: Said | str, person: Person = NOBODY) -> list[Turn]:
    turns = [dialogue.begin(by, person)]
    for one in said:
        what = one if isinstance(one, Said) else Said(one)
        turns.append(dialogue.answer(by, person, turns[-1].memory, what))
    return turns


def texts(turn: Turn) -> str:
    return "\n".join(reply.text for reply in turn.replies)


def offered(turn: Turn) -> set[str]:
    return {choice.id for reply in turn.replies for choice in reply.choices}


def test_it_says_that_it_is_a_program_and_offers_a_human(shipped: Rules) -> None:
    (turn,) = talk(shipped)
    assert "程序" in texts(turn)
    assert "不是医生" in texts(turn)
    assert "human" in offered(turn)
    assert turn.memory.rules_version == shipped.version


@pytest.mark.parametrize("words", ["转人工", "我想找个真人", Said(choice="human")])
@pytest.mark.parametrize("before", [(), ("我要挂号",), ("肚子疼", "三天了", "有点疼")])
def test_a_human_is_had_at_every_step(
    shipped: Rules, before: Sequence[str], words: Said | str
) -> None:
    turns = talk(shipped, *before, words)
    assert all("human" in offered(turn) for turn in turns[:-1])
    assert turns[-1].actions == (HandOver("asked"),)


def test_two_re_asks_and_then_a_human(shipped: Rules) -> None:
    turns = talk(shipped, "我肚子疼", "哈哈", "啦啦", "呵呵")
    assert [turn.memory.asked_times for turn in turns[1:]] == [1, 2, 3, 0]
    assert turns[-1].actions == (HandOver("not_understood"),)


def test_an_interruption_is_answered_and_the_question_comes_back(shipped: Rules) -> None:
    *_, asked, faq, done = talk(shipped, "我肚子疼", "挂号多少钱", "三天了")
    assert [reply.kind for reply in faq.replies] == ["faq", "form"]
    assert "{phone}" in faq.replies[0].text
    assert faq.memory.asked == asked.memory.asked == "slot:duration"
    assert faq.memory.asked_times == asked.memory.asked_times
    assert done.triage is not None
    assert done.triage.slots["duration"] == "3天"


def test_what_was_said_wrongly_is_corrected(shipped: Rules) -> None:
    *_, turn = talk(shipped, "我爸肚子疼三天", "说错了，是五天", "不是我爸，是我妈")
    assert turn.triage is not None
    assert turn.triage.slots["duration"] == "5天"
    assert turn.triage.slots["who"] == "母亲"


def test_a_form_fills_what_it_is_allowed_to(shipped: Rules) -> None:
    fields = {"severity": "severe", "duration": "days", "age": "71", "sex": "neither", "x": "1"}
    *_, turn = talk(shipped, "我肚子疼", Said(fields=fields))
    assert turn.triage is not None
    assert turn.triage.slots["age"] == "71岁"
    assert turn.triage.slots["severity"].startswith("重")
    assert "sex" not in turn.triage.slots
    assert "x" not in turn.memory.slots
    assert turn.replies[0].kind == "guide"


@pytest.mark.parametrize(
    ("words", "action"),
    [
        ("帮我设个吃药提醒", Start("medication_plan")),
        ("我要填问卷", Start("survey")),
        ("帮我取消预约", Start("cancel_appointment")),
        ("我要挂骨科的号", Book("骨科", "township")),
    ],
)
def test_other_wishes_are_started(shipped: Rules, words: str, action: Start | Book) -> None:
    *_, turn = talk(shipped, words)
    (done,) = turn.actions
    assert done == action or (isinstance(done, Book) and done.department == "骨科")


def test_stopping_forgets_the_question(shipped: Rules) -> None:
    *_, turn = talk(shipped, "我肚子疼", "算了不问了")
    assert turn.memory.asked == ""
    assert turn.memory.stage == "open"


def test_without_a_signature_only_120_is_advised(shipped: Rules) -> None:
    strict = rules.read(shipped.blob)
    assert not strict.signed
    *_, turn = talk(strict, "流鼻涕两天")
    assert turn.actions == (HandOver("advised"),)
    assert turn.triage is not None
    assert not turn.triage.signed
    assert not any(reply.kind == "guide" for reply in turn.replies)


WORDS = (
    "我妈 胸口疼 没有 肚子疼 三天 多少钱 挂号 转人工 说错了 不是 是 算了 继续 39度 怀孕 好像 抽搐 "
    "{phone} %s"
).split()
CHOICES = ("human", "book", "skip", "yes", "no", "severity.mild", "x")
SAID = st.builds(
    Said,
    text=st.one_of(
        st.text(max_size=40),
        st.lists(
            st.sampled_from(
                WORDS
            ),
            max_size=8,
        ).map("".join),
    ),
    choice=st.none() | st.sampled_from(CHOICES),
    fields=st.dictionaries(
        st.sampled_from(["age", "sex", "severity", "duration", "who", "junk"]),
        st.sampled_from(["", "1", "male", "severe", "-5", "{0}", "九十", "9" * 400]),
        max_size=3,
    ),
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(said=st.lists(SAID, min_size=1, max_size=4))
def test_nothing_raises_and_a_turn_can_be_made_again(shipped: Rules, said: list[Said]) -> None:
    person = Person(age_months=40 * 12, sex="female", conditions=("高血压",))
    turn = dialogue.begin(shipped, person)
    for one in said:
        kept = msgspec.json.decode(msgspec.json.encode(turn.memory), type=Memory)  # a restart
        assert kept == turn.memory
        turn = dialogue.answer(shipped, person, kept, one)
        assert turn == dialogue.answer(shipped, person, kept, one)
        assert turn.replies
        assert "human" in offered(turn) or any(isinstance(done, HandOver) for done in turn.actions)
