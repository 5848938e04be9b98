"""What rule files may say. Strict: an unknown field is a fault, no slip of the pen is lost."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from backend.bot import measures
from backend.bot.talk import Priority, Tier

Id = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{1,47}$")]
Words = Annotated[str, Meta(min_length=1, max_length=400)]
Phrase = Annotated[str, Meta(min_length=1, max_length=200)]
Some = Annotated[tuple[Words, ...], Meta(min_length=1, max_length=60)]
PHRASES_MOST = 200
CueKind = Literal[
    "absent", "after", "uncertain", "question", "about", "hypothetical", "past", "other", "break",
    "weak", "plain",
]  # fmt: skip


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Rule(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every rule says about itself. `reviewed_by` is empty until a doctor has signed."""

    id: Id
    version: Annotated[int, Meta(ge=1)]
    source: Some
    reviewed_by: Annotated[str, Meta(max_length=80)]
    effective_from: date
    positive: Some
    negative: Some


class Sign(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A finding, in many wordings. `lasting`: what is past still counts (an operation)."""

    id: Id
    name: Words
    phrases: Annotated[tuple[Phrase, ...], Meta(min_length=1, max_length=PHRASES_MOST)]
    without: tuple[Phrase, ...] = ()
    """Wordings that only look like it."""
    symptom: bool = False
    """It stands in the summary for the doctor."""
    condition: bool = False
    """A disease that somebody has for long; also read from the record."""
    lasting: bool = False
    standing: bool = False
    """It may have been told in another message than what goes with it (a pregnancy, a child)."""


class Limit(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number in the text: at least, or below."""

    kind: measures.Kind
    at_least: float | None = None
    below: float | None = None

    def holds(self, value: float) -> bool:
        if self.at_least is not None and value < self.at_least:
            return False
        return self.below is None or value < self.below


class Case(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way in which a rule applies: `all` signs (`a|b`: one of them), limits, and the person.

    `near`: the signs stand within so many characters of one message. `unless` silences this case.
    """

    all: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    near: Annotated[int, Meta(ge=0, le=200)] = 0
    age_under_months: float | None = None
    age_from_months: float | None = None
    sex: Literal["male", "female"] | None = None
    acute: bool = False
    """What is told as long-standing (for years, often) doesn't count, unless it came suddenly."""


class RedFlag(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """危险信号. `phrases` are enough by themselves, `when` combines, `unless` silences both.

    Residents read `name` and `deed`: no diagnosis in them. `ask` is put when it is doubtful.
    """

    name: Words
    level: Priority
    calls_120: bool
    deed: Words
    ask: Words
    phrases: Annotated[tuple[Phrase, ...], Meta(max_length=PHRASES_MOST)] = ()
    without: tuple[Phrase, ...] = ()
    unless: tuple[str, ...] = ()
    acute: bool = False
    """Of the phrases alone; a case says it for itself."""
    when: tuple[Case, ...] = ()


class Urgency(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is no emergency but shouldn't wait: gives a priority."""

    priority: Literal["II", "III"]
    when: Annotated[tuple[Case, ...], Meta(min_length=1)]


class TierRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tier: the first rule that fits. Empty lists fit everything."""

    tier: Tier
    priorities: tuple[Priority, ...] = ()
    departments: tuple[str, ...] = ()
    when: tuple[Case, ...] = ()
    """Examples are messages; the department of an example is not judged."""


class Faq(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer with places that the county fills: {phone}."""

    question: Words
    answer: Words
    phrases: Annotated[tuple[Phrase, ...], Meta(min_length=1, max_length=PHRASES_MOST)]
    without: tuple[Phrase, ...] = ()


Deed = Literal[
    "human", "book", "medication_plan", "survey", "cancel_appointment", "stop", "resume", "program",
    "greet", "goodbye", "thanks", "yes", "no", "unknown", "about_family", "about_me", "wrong",
]  # fmt: skip

ANSWERS: tuple[Deed, ...] = ("unknown", "no", "yes")  # in this order: 不知道 has a 不 in it


class Flow(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody wants to do, or says about the conversation itself."""

    does: Deed
    phrases: Annotated[tuple[Phrase, ...], Meta(min_length=1, max_length=PHRASES_MOST)]
    without: tuple[Phrase, ...] = ()


class Option(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: Id
    label: Words
    phrases: tuple[Phrase, ...] = ()
    """Words of a free answer that mean this."""


class Question(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One slot: how it is asked, and what answers it. `only`: for whom."""

    label: Words
    ask: Words
    again: Words
    kind: Literal["choice", "number", "text", "duration", "age"]
    options: tuple[Option, ...] = ()
    unit: str = ""
    asked: bool = True
    """Whether the bot asks by itself; else it only listens."""
    sex: Literal["male", "female"] | None = None
    age_from_months: float | None = None
    age_under_months: float | None = None


class Cue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `cues.csv`: what says how other words are meant. `reach`: over how many characters
    it still speaks of them."""

    cue: Annotated[str, Meta(min_length=1, max_length=20)]
    kind: CueKind
    reach: Annotated[int, Meta(ge=0, le=40)]


RULES: dict[str, type[Rule]] = {
    "red_flags": RedFlag,
    "urgencies": Urgency,
    "tiers": TierRule,
    "faq": Faq,
    "flows": Flow,
    "questions": Question,
}
CLINICAL = ("red_flags", "urgencies", "tiers")  # a doctor has to sign these


class Sheet(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A YAML file. `shared` is what its rules have in common."""

    shared: dict[str, Any] = {}
    lists: dict[str, tuple[Words, ...]] = {}
    signs: Sequence[dict[str, Any]] = ()
    red_flags: Sequence[dict[str, Any]] = ()
    urgencies: Sequence[dict[str, Any]] = ()
    tiers: Sequence[dict[str, Any]] = ()
    faq: Sequence[dict[str, Any]] = ()
    flows: Sequence[dict[str, Any]] = ()
    questions: Sequence[dict[str, Any]] = ()
    wording: dict[str, Words] = {}
