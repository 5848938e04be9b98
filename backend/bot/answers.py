"""What a turn says, apart from the illness: a wish, a yes or no, a slot, a question to the FAQ."""

from collections.abc import Mapping, Sequence

import msgspec

from backend.bot import cases, departments, slots
from backend.bot.reading import Reading
from backend.bot.rules import Rules
from backend.bot.schema import ANSWERS, Deed, Faq
from backend.bot.talk import TEXT_MOST, Person, Said

SHORT = 12  # characters of an answer that is nothing but a yes or a no
AGE_MOST = 130
MEANT = ("present", "uncertain", "hypothetical", "past")


class Asked(msgspec.Struct, frozen=True):
    """The question that waits: a slot's, or about a doubtful red flag."""

    kind: str
    name: str

    @classmethod
    def of(cls, text: str) -> "Asked":
        kind, _, name = text.partition(":")
        return cls(kind, name) if name else cls("", "")

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else ""


class Heard(msgspec.Struct, frozen=True):
    """One turn. `slots`: those that its words fill. `option`: the slot that a quick reply fills."""

    deed: Deed | None = None
    deeds: tuple[Deed, ...] = ()
    choice: str | None = None
    option: tuple[str, str] | None = None
    faq: Faq | None = None
    department: str | None = None
    slots: frozenset[str] = frozenset()
    symptoms: bool = False
    corrects: bool = False
    plain_no: bool = False
    is_short: bool = False
    is_free: bool = False


def sound(rules: Rules, said: Said) -> Said:
    """Only what could have been offered, and no longer than allowed. The rest is as if unsaid."""
    choice = said.choice if said.choice is not None and _offered(rules, said.choice) else None
    fields = {
        name: found
        for name, value in said.fields.items()
        if (found := _field(rules, name, value)) is not None
    }
    return Said(said.text[:TEXT_MOST], choice, fields)


def _offered(rules: Rules, choice: str) -> bool:
    return (
        choice in CHOICES or _option(rules, choice) is not None or _faq(rules, choice) is not None
    )


CHOICES: dict[str, Deed | None] = {
    "human": "human", "book": "book", "medication_plan": "medication_plan", "survey": "survey",
    "cancel_appointment": "cancel_appointment", "stop": "stop", "skip": None, "yes": "yes",
    "no": "no", "unknown": "unknown",
}  # fmt: skip


def _option(rules: Rules, choice: str) -> tuple[str, str] | None:
    """(slot, what its option says)."""
    name, _, option_id = choice.partition(".")
    for question in rules.questions:
        if question.id == name and question.kind != "text":
            for option in question.options:
                if option.id == option_id:
                    return name, option.label
    return None


def _faq(rules: Rules, choice: str) -> Faq | None:
    return next((faq for faq in rules.faq if f"faq.{faq.id}" == choice), None)


def _field(rules: Rules, name: str, value: str) -> str | None:
    question = next((one for one in rules.questions if one.id == name), None)
    if question is None or not value.strip():
        return None
    if question.options and question.kind != "text":
        found = _option(rules, f"{name}.{value}")
        return found[1] if found else None
    value = value.strip()[: slots.SLOT_MOST]
    if question.kind != "age":
        return value
    digits = value.removesuffix(question.unit)
    return (
        f"{int(digits)}岁"
        if digits.isascii() and digits.isdigit() and int(digits) <= AGE_MOST
        else None
    )


def hear(rules: Rules, readings: Sequence[Reading], said: Said) -> Heard:
    """The last turn of `readings`."""
    reading = readings[-1]
    flows, faq = _found(rules, reading)
    answer = _short_answer(rules, reading)
    deed = CHOICES.get(said.choice or "") or (flows[0] if flows else answer)
    new, _ = slots.known(rules, [reading], Person(), {}, slots.symptoms(rules, [reading]))
    return Heard(
        deed=deed,
        deeds=tuple(flows),
        choice=said.choice,
        option=_option(rules, said.choice or ""),
        faq=_faq(rules, said.choice or "") or faq,
        department=_department(rules, reading),
        slots=frozenset(new),
        symptoms="symptom" in new,
        corrects="wrong" in flows,
        plain_no=said.choice == "no" or (answer == "no" and said.choice is None),
        is_short=len(reading.text) <= SHORT,
        is_free=bool(reading.text.strip()) and not flows and faq is None,
    )


# Longer messages are about something else: 继续, 结束 and 谢谢 stand in many.
TALK_MOST: dict[Deed, int] = {
    "stop": SHORT, "resume": SHORT, "goodbye": SHORT, "thanks": SHORT, "greet": SHORT, "wrong": 40,
}  # fmt: skip


def _found(rules: Rules, reading: Reading) -> tuple[list[Deed], Faq | None]:
    """What the words ask for, a human before everything; and the longest FAQ phrase."""
    flows = [
        flow.does
        for flow in rules.flows
        if len(reading.text) <= TALK_MOST.get(flow.does, TEXT_MOST)
        and (number := rules.sign_number.get(flow.id)) is not None
        and any(reading.status(one) in MEANT for one in reading.signs.get(number, ()))
    ]
    found = [
        (max(one.end - one.start for one in reading.signs[number]), faq)
        for faq in rules.faq
        if (number := rules.sign_number.get(faq.id)) is not None and number in reading.signs
    ]
    return flows, max(found, key=lambda one: one[0])[1] if found else None


def _short_answer(rules: Rules, reading: Reading) -> Deed | None:
    text = reading.text.strip(" ,。!?~")
    if not text or len(text) > SHORT:
        return None
    for deed in ANSWERS:
        for flow in rules.flows:
            if flow.does != deed or any(word in text for word in flow.without):
                continue
            if any(word in text for word in flow.phrases if len(word) > 1 or text[0] == word):
                return flow.does
    return None


def _department(rules: Rules, reading: Reading) -> str | None:
    """One that is named: 骨科."""
    table = rules.tables.get("departments")
    if table is None or "kind" not in table.columns:
        return None
    words = departments.model(rules).words
    if words is None or not (hits := reading.hits["departments"]):
        return None
    kind, name = table.columns.index("kind"), table.columns.index("department")
    said = [(end - start, table.rows[row]) for at, start, end in hits for row, _, _ in words[at]]
    named = [(length, row[name]) for length, row in said if row[kind] == "department"]
    return max(named)[1] if named else None


def age_months(
    rules: Rules, readings: Sequence[Reading], person: Person, given: Mapping[str, str]
) -> float | None:
    if (age := given.get("age", "").removesuffix("岁")).isdigit():
        return int(age) * slots.YEAR
    found = cases.ages_in(readings, person)
    return found[-1] if found else None
