"""No diagnosis, no medicine, no dose in anything that the bot says, whatever was said to it."""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from backend.bot import dialogue
from backend.bot.rules import Rules
from backend.bot.talk import Person, Said, Turn

QUOTED = re.compile(r"「[^」]*」")  # the resident's own words, and what to say or tap
MEDICINES = re.compile(
    "布洛芬|对乙酰|扑热息痛|阿司匹林|头孢|青霉素|阿莫西林|硝酸甘油|救心丸|胰岛素|二甲双胍|华法林|"
    "降压片|止痛药|退烧药|消炎药|抗生素|激素|肾上腺素|安定|葡萄糖|蒙脱石|黄连素|感冒灵|板蓝根|沙坦|"
    "地平|洛尔|他汀|拉唑|西林|沙星|霉素|口服液|胶囊|冲剂"
)
DOSE = re.compile(
    r"\d+(?:\.\d+)?\s*(?:mg|毫克|克|片|粒|颗|毫升|ml|单位|支|袋)|每日[一二三两]次|一日[一二三两]次"
)
DIAGNOSIS = re.compile(
    r"(?:诊断为|确诊|您得了|您患|您是|病人是|可能是|应该是|考虑是|怀疑是|属于|就是)[^，。？]{0,12}"
    r"(?:病|炎|癌|瘤|梗死|梗塞|中风|卒中|出血|综合征|骨折|感染|休克|栓塞)"
)
DISEASES = re.compile(
    r"心梗|心肌梗|脑梗|中风|卒中|脑出血|肺栓塞|夹层|宫外孕|异位妊娠|阑尾炎|脑膜炎|败血症|脓毒症|癌"
)
PEOPLE = (
    Person(),
    Person(age_months=30, sex="male"),
    Person(age_months=30 * 12, sex="female", is_pregnant=True, conditions=("糖尿病",)),
    Person(age_months=80 * 12, sex="male", conditions=("高血压", "冠心病")),
)
CASES = Path(__file__).with_name("cases")


def texts(by: Rules) -> Iterator[str]:
    """All templates."""
    yield from by.wording.values()
    for flag in by.red_flags:
        yield from (flag.name, flag.deed, flag.ask)
    for faq in by.faq:
        yield from (faq.question, faq.answer)
    for question in by.questions:
        yield from (question.label, question.ask, question.again)
        yield from (option.label for option in question.options)


def faults(text: str) -> list[str]:
    own = QUOTED.sub("", text)
    found = [pattern.search(own) for pattern in (MEDICINES, DOSE, DIAGNOSIS, DISEASES)]
    return [f"{match[0]} in {text}" for match in found if match]


def test_no_template_diagnoses_or_names_a_medicine(shipped: Rules) -> None:
    assert [fault for text in texts(shipped) for fault in faults(text)] == []


def test_nothing_that_is_answered_does(shipped: Rules) -> None:
    """Cases as several people, with what follows: a yes, a slip, a tap."""
    says = [
        case["says"]
        for name in ("emergencies", "more_emergencies", "everyday")
        for case in yaml.safe_load((CASES / f"{name}.yaml").read_text())
    ]
    follow = (Said(choice="yes"), Said("不是，说错了，三天了"), Said(choice="severity.severe"))
    found = []
    for at, text in enumerate(says[::3]):
        person = PEOPLE[at % len(PEOPLE)]
        turn = dialogue.begin(shipped, person)
        for said in (Said(text), follow[at % len(follow)]):
            turn = dialogue.answer(shipped, person, turn.memory, said)
            found += [fault for one in spoken(turn) for fault in faults(one)]
    assert found == []


def spoken(turn: Turn) -> Iterator[str]:
    """All that a resident reads, and what the doctor reads of the bot's own words."""
    for reply in turn.replies:
        yield reply.text
        yield from (choice.label for choice in reply.choices)
        yield from (field.label for field in reply.fields)
    if turn.triage is not None:
        yield turn.triage.next_step
        yield turn.triage.safety_net
        # The line of long-standing diseases repeats what the resident or the record said.
        lines = turn.triage.summary.splitlines()
        yield "\n".join(line for line in lines if not line.startswith("慢性病："))
        yield from (flag.deed for flag in turn.triage.red_flags)


def test_the_checks_can_fail() -> None:
    assert faults("您得了肺炎，请吃布洛芬，每次2片")
    assert not faults("原话：「吃了布洛芬2片」")
