"""What stands, what is denied, doubted, past. The sentences are invented."""

import csv
from pathlib import Path

import msgspec
import pytest

import backend.bot
from backend.bot.matching import Matcher
from backend.bot.normalise import plain
from backend.bot.schema import Cue
from backend.bot.scope import Scope
from backend.bot.talk import Status

with (Path(backend.bot.__file__).parent / "rules" / "cues.csv").open() as file:
    CUES = [msgspec.convert(row, Cue, strict=False) for row in csv.DictReader(file)]
MATCHER = Matcher({"cues": [plain()(cue.cue).text for cue in CUES]})


def status_of(marked: str) -> Status:
    """`marked` has the words in question in 【】."""
    before, rest = marked.split("【")
    words, after = rest.split("】")
    start = len(plain()(before).text)
    text = plain()(before + words + after).text
    return Scope(text, CUES, MATCHER.find(text)["cues"]).status(start, start + len(words))


@pytest.mark.parametrize(
    ("marked", "status"),
    [
        ("我从早上开始【胸痛】", "present"),
        ("没有【胸痛】", "absent"),
        ("没有发烧、咳嗽和【胸痛】", "absent"),
        ("没有发烧、咳嗽、恶心、拉肚子、头晕和【胸痛】", "absent"),
        ("没有发烧但是【胸痛】", "present"),
        ("没有发烧，就是【胸痛】", "present"),
        ("没发烧只是【胸痛】", "present"),
        ("不发烧。【胸痛】", "present"),
        ("【胸痛】没有", "absent"),
        ("【胸痛】没有，就是出汗", "absent"),
        ("【胸痛】没有缓解", "present"),
        ("【胸痛】已经消失了", "absent"),
        ("不是没有【胸痛】", "present"),
        ("没办法，【胸痛】得厉害", "present"),
        ("吃药没用【胸痛】", "present"),
        ("没有【过敏】", "absent"),
        ("也没有【呼吸困难】", "absent"),
        ("是不是【中风】", "uncertain"),
        ("这是【中风】吗？", "uncertain"),
        ("如果【抽搐】", "hypothetical"),
        ("怎么预防【中风】", "hypothetical"),
        ("我爸以前得过【中风】", "past"),
        ("家族里【中风】的多", "other_person"),
        ("我妈【胸痛】", "present"),
        ("昨天没有，今天【胸痛】", "present"),
        ("没有突然【胸痛】", "uncertain"),
        ("没有发烧突然【胸痛】", "present"),
        ("没有发烧/咳嗽但是【胸痛】", "present"),
        ("没有开刀后/久坐后【胸痛】", "uncertain"),
        ("没有头痛+恶心/呕吐/【胸痛】", "absent"),
        ("没有后背【撕裂样疼】", "absent"),
    ],
)
def test_what_is_meant(marked: str, status: Status) -> None:
    assert status_of(marked) == status
