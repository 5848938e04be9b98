"""随访 rules: strict, with examples that hold, unsigned ones only where that is allowed."""

from datetime import date

import pytest

from backend.reminders import follow_up_rules, policy
from backend.reminders.follow_up_rules import RulesWrong, read

MONDAY = date(2026, 11, 23)
GOOD = """
shared: {version: 1, source: [某规范], reviewed_by: "", effective_from: 2026-12-01}
rules:
  - id: pressure
    name: 高血压
    cases:
      - {id: usual, name: 达标, days: 90, examples: [{from_on: 2026-11-23, due_on: 2027-02-21}]}
"""


def test_the_shipped_rules_are_read_and_their_examples_hold() -> None:
    found = follow_up_rules.offered(MONDAY, unsigned_allowed=True)
    days = {one.case_id: one.days for one in found}
    assert (days["hypertension_usual"], days["diabetes2_first_high"]) == (90, 14)
    assert all("[S" in one.source or "[M" in one.source for one in found)
    assert not any(one.signed for one in found)
    one = follow_up_rules.find("elder_yearly", MONDAY, unsigned_allowed=True)
    assert one is not None
    assert one.due_on(MONDAY) == date(2027, 11, 23)
    label = follow_up_rules.label
    assert label(one.version) == "65 岁及以上体检，第 1 版（示例规则，未经医生审核）"
    assert label("elder@7") == "65 岁及以上体检，第 7 版"  # who signed that is not known here
    assert label("gone@1") == "gone@1"


def test_what_nobody_has_signed_is_not_offered_outside_a_demo() -> None:
    assert follow_up_rules.offered(MONDAY, unsigned_allowed=False) == []
    assert follow_up_rules.find("elder_yearly", MONDAY, unsigned_allowed=False) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("examples: [{from_on: 2026-11-23, due_on: 2027-02-21}]", "examples: []"), "length"),
        ((", examples: [{from_on: 2026-11-23, due_on: 2027-02-21}]", ""), "examples"),
        (("2027-02-21", "2027-02-20"), "does not hold"),
        (("days: 90", "days: 0"), "days"),
        (("name: 高血压", "name: 高血压\n    dose: 1 片"), "dose"),
        (("source: [某规范], ", ""), "source"),
        (("id: pressure", "id: usual"), "twice"),
        (("rules:", "rule:"), "rules"),
        (("shared: {", "shared: ["), "flow"),
    ],
)
def test_what_is_wrong_does_not_load(change: tuple[str, str], why: str) -> None:
    assert len(read(GOOD)) == 1
    with pytest.raises(RulesWrong, match=why):
        read(GOOD.replace(*change))


def test_every_state_has_an_owner_and_a_way_out_or_neither() -> None:
    for state in policy.STATES.values():
        assert (state.owner is None) == (not state.exits)
        assert set(state.exits.values()) <= set(policy.STATES)
    assert policy.after(policy.DONE, "do") is None
