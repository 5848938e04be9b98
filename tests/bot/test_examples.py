"""The rules that the project brings do what their own examples say."""

import json

from backend.bot import checking, rules, triage
from backend.bot.rules import FOLDER, Rules
from backend.bot.talk import Person


def test_every_example_of_every_rule(shipped: Rules) -> None:
    assert [
        f"{one.rule}: 「{one.example}」 {'should' if one.expected else 'must not'} match"
        for one in checking.failures(shipped)
    ] == []


def test_every_concept_of_the_seed_list_has_a_rule(shipped: Rules) -> None:
    assert set(SEEDS) <= {flag.id for flag in shipped.red_flags}


def test_no_doctor_is_invented(shipped: Rules) -> None:
    assert not shipped.signed
    assert all(not rule.reviewed_by for _, rule in shipped.every())


def test_the_files_that_are_shipped_are_the_rules(shipped: Rules) -> None:
    assert shipped.version == rules.version_of(rules.files_in(FOLDER))
    json.dumps(shipped.wording)


SEEDS = """
arrest consciousness choking dyspnea_severe acs dissection pe stroke thunderclap meningitis seizure
anaphylaxis shock gi_bleed hemoptysis bleeding trauma burn drown poison bite acute_abdomen ectopic
obstetric testis sepsis hyperpyrexia_seizure infant_fever child_red child_amber dka_hypo htn_emerg
limb_ischemia_dvt cauda eye tetanus renal_colic asthma_copd suicide_now suicide_ideation
fever_travel jaundice_confusion bloody_diarrhea_child
""".split()


def test_a_pregnancy_on_record_counts_like_one_that_is_told(shipped: Rules) -> None:
    """Also in rules that begin with it: nobody says again what the doctor knows."""
    expecting = Person(sex="female", is_pregnant=True)
    told = triage.decide(shipped, Person(), ["我怀孕了，小腹痛"])
    known = triage.decide(shipped, expecting, ["小腹痛"])
    assert known.priority == told.priority != triage.decide(shipped, Person(), ["小腹痛"]).priority
