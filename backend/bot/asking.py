"""Questions: which is still open, how it is put, and the form that asks for all at once."""

from collections.abc import Mapping
from typing import Literal

from backend.bot import slots
from backend.bot.rules import Rules
from backend.bot.schema import Option, Question
from backend.bot.talk import Choice, Field, Reply

NEEDED = ("duration", "severity")  # asked for one by one; the form asks for the rest
FIRST = "symptom"  # free text alone: nothing can be offered yet


def missing(rules: Rules, known: Mapping[str, str]) -> str | None:
    return next(
        (one.id for one in rules.questions if one.id in NEEDED and not known.get(one.id)), None
    )


def put(
    rules: Rules,
    name: str,
    known: Mapping[str, str],
    months: float | None,
    *,
    again: bool,
    wording: str = "",
) -> Reply:
    """`again`: in other words, as it was not understood. `wording`: instead of the usual text."""
    question = next(one for one in rules.questions if one.id == name)
    human = Choice("human", rules.wording["choice_human"])
    if name == FIRST:
        text = rules.wording["open_again" if again else wording or "open"]
        return Reply("text", text, (human,))
    choices = (Choice(f"{name}.{one.id}", one.label) for one in _options(question))
    skip = Choice("skip", rules.wording["choice_skip"])
    fields = _form(rules, known, months)
    text = question.again if again else question.ask
    return Reply("form" if fields else "text", text, (*choices, skip, human), fields)


def _form(rules: Rules, known: Mapping[str, str], months: float | None) -> tuple[Field, ...]:
    """Everything that isn't known yet, for who would rather fill it in at once."""
    return tuple(
        Field(
            question.id,
            question.label,
            _kind(question),
            tuple(Choice(one.id, one.label) for one in _options(question)),
            question.unit,
        )
        for question in rules.questions
        if question.asked and not known.get(question.id) and _concerns(question, known, months)
    )


def _concerns(question: Question, known: Mapping[str, str], months: float | None) -> bool:
    if question.sex is not None and known.get("sex") != slots.SEXES[question.sex]:
        return False
    if months is None:
        return question.age_from_months is None or question.sex is not None
    low, high = question.age_from_months, question.age_under_months
    return (low is None or months >= low) and (high is None or months < high)


def _options(question: Question) -> tuple[Option, ...]:
    """Those of a text only say by which words it is found."""
    return () if question.kind == "text" else question.options


def _kind(question: Question) -> Literal["choice", "number", "text"]:
    if question.kind != "text" and question.options:
        return "choice"
    return "number" if question.kind in ("age", "number") else "text"
