"""However long and strange a message is, it is read in bounded work and holds up nobody else."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from backend.bot import scope
from backend.bot.rules import Rules
from backend.bot.talk import TEXT_MOST, Person
from backend.bot.triage import decide

HOSTILE = ("头痛三天了没有发烧，", "没有胸痛", "不是头痛是没有发烧", "胸痛，", "没")
BOT = str(Path(scope.__file__).parent)


def calls_of(work: Callable[[], Any]) -> int:
    """How many functions of the bot are entered: the same on any machine."""
    entered = 0

    def count(frame: FrameType, event: str, _: Any) -> None:
        nonlocal entered
        entered += event == "call" and frame.f_code.co_filename.startswith(BOT)

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return entered


@pytest.mark.parametrize("piece", HOSTILE)
def test_twice_the_text_is_no_more_than_some_twice_the_work(shipped: Rules, piece: str) -> None:
    def work(length: int) -> int:
        text = (piece * TEXT_MOST)[:length]
        return calls_of(lambda: decide(shipped, Person(), [text]))

    work(10)  # what is made once
    assert work(TEXT_MOST) < 3 * work(TEXT_MOST // 2) + 500


def test_earlier_turns_are_not_read_again(shipped: Rules) -> None:
    said = [f"{turn}：{'头痛三天了没有发烧，' * 40}" for turn in range(12)]
    decide(shipped, Person(), said[:-1])
    again = calls_of(lambda: decide(shipped, Person(), said))
    shipped.memo.pop("readings")
    assert again < calls_of(lambda: decide(shipped, Person(), said)) / 2
