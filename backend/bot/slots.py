"""What is known of the illness, in words: from free text, from a form, from the record."""

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from backend.bot import cases
from backend.bot.measures import HOURS, Measure
from backend.bot.reading import FROM_RECORD, Reading
from backend.bot.rules import Rules
from backend.bot.schema import Question
from backend.bot.talk import Evidence, Person, Status

YEAR: Final = 12
SLOT_MOST: Final = 200  # characters
SEXES: Final = {"male": "男", "female": "女"}
LISTED_MOST: Final = 12  # names in one line of a summary


@dataclass(frozen=True)
class Spoken:
    """What signs mean for slots; made once for a version of the rules."""

    options: dict[int, tuple[Question, str]]
    symptoms: frozenset[int]
    conditions: frozenset[int]
    measured: dict[str, Question]


def _spoken(rules: Rules) -> Spoken:
    made: Spoken | None = rules.memo.get(__name__)
    if made is None:
        options = {
            rules.sign_number[f"{question.id}.{option.id}"]: (question, option.label)
            for question in rules.questions
            for option in question.options
            if option.phrases
        }
        numbered = list(enumerate(rules.signs))
        made = rules.memo[__name__] = Spoken(
            options,
            frozenset(number for number, sign in numbered if sign.symptom),
            frozenset(number for number, sign in numbered if sign.condition),
            {MEASURED[one.kind]: one for one in rules.questions if one.kind in MEASURED},
        )
    return made


MEASURED: Final = {"duration": "duration_hours", "age": "age_months"}


def known(
    rules: Rules,
    readings: Sequence[Reading],
    person: Person,
    given: Mapping[str, str],
    told: Mapping[Status, Sequence[str]],
) -> tuple[dict[str, str], list[Evidence]]:
    """`told`: the symptoms. `given`: what a form or an answer said; it goes before free text."""
    spoken = _spoken(rules)
    slots: dict[str, str] = {}
    evidence: dict[str, Evidence] = {}
    for reading in readings:  # what was said later goes before what was said earlier
        if reading.measures or not spoken.options.keys().isdisjoint(reading.signs):
            for question, words, proof in _said(spoken, reading):
                slots[question.id], evidence[question.id] = words, proof
    slots |= given
    if present := told.get("present"):
        slots["symptom"] = "、".join(present)
    _from_record(slots, person)
    if diseases := _conditions(spoken, rules, readings, person):
        slots.setdefault("chronic", "、".join(diseases))
    if given:
        evidence = {name: proof for name, proof in evidence.items() if name not in given}
    return slots, list(evidence.values())


def whose(
    rules: Rules, readings: Sequence[Reading], person: Person, given: Mapping[str, str]
) -> tuple[Person, list[Reading]]:
    """The record and all that is known, unless it is told of somebody of another sex or age.

    The record is of whom the account chose; 我爸 may stand in a daughter's own conversation.
    """
    if person == NOBODY:
        return person, list(readings)
    spoken = _spoken(rules)
    told = [reading for reading in readings if reading.turn != FROM_RECORD]
    sex = given.get("sex", "")
    for reading in told:
        for question, words, _ in _said(spoken, reading):
            sex = words if question.id == "sex" and "sex" not in given else sex
    ages = cases.ages_in(told, NOBODY)
    other_sex = sex in SEXES.values() and person.sex is not None and sex != SEXES[person.sex]
    other_age = (
        person.age_months is not None
        and bool(ages)
        and abs(ages[-1] - person.age_months) > SAME_AGE_MONTHS
    )
    if other_sex or other_age or (person.is_pregnant and sex == SEXES["male"]):
        return NOBODY, told
    return person, list(readings)


NOBODY: Final = Person()
SAME_AGE_MONTHS: Final = 36


def _said(spoken: Spoken, reading: Reading) -> Iterator[tuple[Question, str, Evidence]]:
    """Of each slot the words that count most in this message, those last."""
    found = []
    for sign in reading.signs.keys() & spoken.options.keys():
        question, label = spoken.options[sign]
        for one in reading.signs[sign]:
            if reading.status(one) in TOLD:
                found.append((one.end - one.start, one.end, question, label, one))
    # Longer words say more: 没怀孕 and not 怀孕.
    if len(found) > 1:
        found.sort(key=LENGTH_AND_END)
    for _, _, question, label, one in found:
        proof = _proof(question, reading, one.start, one.end)
        yield question, proof.text if question.kind == "text" else label, proof
    for measure in reading.measures:
        if (asked := spoken.measured.get(measure.kind)) is not None:
            yield asked, in_words(measure), _proof(asked, reading, measure.start, measure.end)


TOLD: Final = ("present", "past", "uncertain")
LENGTH_AND_END: Final = operator.itemgetter(0, 1)


def symptoms(rules: Rules, readings: Sequence[Reading]) -> dict[Status, list[str]]:
    """By what is said of them, each once, in the order in which they were told."""
    among = _spoken(rules).symptoms
    found = []
    for reading in readings:
        if among.isdisjoint(reading.signs):
            continue
        for sign, occurrences in reading.signs.items():
            if sign in among:
                name = rules.signs[sign].name
                for one in occurrences:
                    found.append((reading.turn, one.start, name, reading.status(one)))
    if not found:
        return {}
    by_status: dict[Status, dict[str, None]] = {}
    for _, _, name, status in sorted(found):
        by_status.setdefault(status, {})[name] = None
    return {status: list(names)[:LISTED_MOST] for status, names in by_status.items()}


def _conditions(
    spoken: Spoken, rules: Rules, readings: Sequence[Reading], person: Person
) -> list[str]:
    conditions = spoken.conditions
    told = []
    for reading in readings:
        if not conditions.isdisjoint(reading.signs):
            for sign in sorted(reading.signs.keys() & conditions):
                if any(cases.occurrences(sign, (reading,))):
                    told.append(rules.signs[sign].name)
    if not told and not person.conditions:
        return told
    return list(dict.fromkeys((*told, *person.conditions)))[:LISTED_MOST]


def _proof(question: Question, reading: Reading, start: int, end: int) -> Evidence:
    return reading.evidence(start, end, question.id, str(question.version), "slot")


def _from_record(slots: dict[str, str], person: Person) -> None:
    if person.age_months is not None:
        slots.setdefault("age", age_in_words(person.age_months))
    if person.sex is not None:
        slots.setdefault("sex", SEXES[person.sex])
    if person.is_pregnant:
        slots.setdefault("pregnancy", "怀孕了")


def in_words(measure: Measure) -> str:
    if measure.kind == "age_months":
        return age_in_words(measure.value)
    for unit, least in (("年", "年"), ("个月", "月"), ("天", "天"), ("小时", "小时")):
        if measure.value >= HOURS[least]:
            return f"{_short(measure.value / HOURS[least])}{unit}"
    return f"{_short(measure.value * 60)}分钟"


def age_in_words(months: float) -> str:
    if months >= 2 * YEAR:
        return f"{int(months // YEAR)}岁"
    return f"{_short(months)}个月" if months >= 1 else f"{round(months * 365 / YEAR)}天"


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
