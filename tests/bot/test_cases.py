"""The clinical cases in cases/*.yaml: sentences and conversations that a clinician can read."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from backend.bot import dialogue, triage
from backend.bot.rules import Rules
from backend.bot.talk import HandOver, Person, Said, Turn

CASES = Path(__file__).with_name("cases")
SINGLE = ("emergencies", "more_emergencies", "everyday")
NOBODY = Person()


def read(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((CASES / f"{name}.yaml").read_text())
    return found


@pytest.mark.parametrize("name", SINGLE)
def test_single_messages(shipped: Rules, name: str) -> None:
    wrong = [(case, said) for case in read(name) if (said := _wrong(shipped, case))]
    assert wrong == []


def _wrong(by: Rules, case: dict[str, Any]) -> str:
    found = triage.decide(by, NOBODY, [case["says"]])
    raised = {flag.id for flag in found.red_flags}
    doubtful = {one.rule_id for one in found.evidence if one.kind == "red_flag"} - raised
    if missing := set(case.get("flags", ())) - raised:
        return f"missing {missing}, raised {raised}"
    if "any" in case and not set(case["any"]) & raised:
        return f"raised {raised}"
    if "raises" in case and not raised:
        return "nothing raised"
    if "none" in case and raised:
        return f"raised {raised}"
    if "asks" in case and (raised or case["asks"] not in doubtful):
        return f"raised {raised}, doubtful {doubtful}"
    for name, value in case.get("slots", {}).items():
        if found.slots.get(name) != value:
            return f"{name} is {found.slots.get(name)}"
    if found.red_flags and found.priority == "IV":
        return "a red flag without priority"
    return ""


def conversations() -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in read("conversations")]


@pytest.mark.parametrize("case", conversations())
def test_conversations(shipped: Rules, case: dict[str, Any]) -> None:
    person = msgspec.convert(case.get("person", {}), Person)
    turn = dialogue.begin(shipped, person)
    for step in case["turns"]:
        said = Said(step.get("says", ""), step.get("taps"), step.get("fills", {}))
        turn = dialogue.answer(shipped, person, turn.memory, said)
        _insist(turn, step)


def _insist(turn: Turn, step: dict[str, Any]) -> None:
    text = "\n".join(reply.text for reply in turn.replies)
    for words in step.get("answer", ()):
        assert words in text, step
    if "kinds" in step:
        assert [reply.kind for reply in turn.replies] == step["kinds"], (step, text)
    if "asks" in step:
        assert turn.memory.asked == step["asks"], (step, text)
    hands_over = [done.reason for done in turn.actions if isinstance(done, HandOver)]
    assert hands_over == step.get("hands_over", []), (step, text)
    others = [type(done).__name__ for done in turn.actions if not isinstance(done, HandOver)]
    assert others == step.get("does", []), (step, text)
    assert turn.triage is not None
    if "flags" in step:
        assert {flag.id for flag in turn.triage.red_flags} == set(step["flags"]), (step, text)
    if "priority" in step:
        assert turn.triage.priority == step["priority"], step
    for name, value in step.get("slots", {}).items():
        assert turn.triage.slots.get(name) == value, (step, turn.triage.slots)
