"""What is known of the illness, in words: from free text, from a form, from the record."""

from collections.abc import Iterator, Mapping, Sequence

from backend.bot import cases
from backend.bot.measures import HOURS, Measure
from backend.bot.reading import Reading
from backend.bot.rules import Rules
from backend.bot.schema import Question
from backend.bot.talk import Evidence, Person

YEAR = 12
SLOT_MOST = 200  # characters
SEXES = {"male": "男", "female": "女"}
LISTED_MOST = 12  # names in one line of a summary


def known(
    rules: Rules, readings: Sequence[Reading], person: Person, given: Mapping[str, str]
) -> tuple[dict[str, str], list[Evidence]]:
    """`given`: what a form or an answer said; it goes before what is read out of free text."""
    slots: dict[str, str] = {}
    evidence: list[Evidence] = []
    for question in rules.questions:
        if question.id in given:
            slots[question.id] = given[question.id]
        elif (found := _found(rules, question, readings)) is not None:
            slots[question.id], proof = found
            evidence.append(proof)
    if symptoms := names(rules, readings, "present"):
        slots["symptom"] = "、".join(symptoms)
    _from_record(slots, person)
    if diseases := _conditions(rules, readings, person):
        slots.setdefault("chronic", "、".join(diseases))
    return slots, evidence


def names(rules: Rules, readings: Sequence[Reading], status: str) -> list[str]:
    """Symptoms of this status, each once, in the order in which they were told."""
    found = dict.fromkeys(
        rules.signs[sign].name
        for reading in readings
        for sign, occurrences in sorted(reading.signs.items(), key=lambda one: one[1][0].start)
        if rules.signs[sign].symptom
        and any(reading.status(occurrence) == status for occurrence in occurrences)
    )
    return list(found)[:LISTED_MOST]


def _conditions(rules: Rules, readings: Sequence[Reading], person: Person) -> list[str]:
    told = dict.fromkeys(
        rules.signs[sign].name
        for reading in readings
        for sign in reading.signs
        if rules.signs[sign].condition and any(cases.occurrences(sign, (reading,)))
    )
    return list(dict.fromkeys((*told, *person.conditions)))[:LISTED_MOST]


def _found(
    rules: Rules, question: Question, readings: Sequence[Reading]
) -> tuple[str, Evidence] | None:
    """The latest that was said."""
    for reading in reversed(readings):
        for measure in reversed(reading.measures):
            if measure.kind == MEASURED.get(question.kind):
                words = in_words(measure)
                return words, _proof(rules, question, reading, measure.start, measure.end)
        for label, start, end in _options(rules, question, reading):
            proof = _proof(rules, question, reading, start, end)
            return (proof.text if question.kind == "text" else label), proof
    return None


MEASURED = {"duration": "duration_hours", "age": "age_months"}


def _options(rules: Rules, question: Question, reading: Reading) -> Iterator[tuple[str, int, int]]:
    """Longer words first: 没怀孕 before 怀孕."""
    found = [
        (one.end - one.start, option.label, one.start, one.end)
        for option in question.options
        if (number := rules.sign_number.get(f"{question.id}.{option.id}")) is not None
        for one in reading.signs.get(number, ())
        if reading.status(one) in ("present", "past", "uncertain")
    ]
    for _, label, start, end in sorted(found, key=lambda one: (-one[0], one[2])):
        yield label, start, end


def _proof(rules: Rules, question: Question, reading: Reading, start: int, end: int) -> Evidence:
    return reading.evidence(
        start, end, rule_id=question.id, rule_version=str(question.version), kind="slot"
    )


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
