"""What goes into the bot and what comes out. Plain values: the chat keeps them.

`dialogue.begin` and `dialogue.answer` take these and give back a `Turn`; nothing else is remembered
anywhere, so a conversation survives a restart and any decision can be made again from its record.
"""

from typing import Literal

import msgspec

TEXT_MOST = 2000  # characters of one message
Tier = Literal["village", "township", "county"]
Priority = Literal["I", "II", "III", "IV"]  # 濒危, 危重, 急症, 非急症
EvidenceKind = Literal["red_flag", "symptom", "department", "intent", "slot", "condition"]
Status = Literal["present", "absent", "uncertain", "past", "other_person", "hypothetical"]


class Person(msgspec.Struct, frozen=True):
    """Whom it is about, as far as the record knows. What is unknown is None, or empty."""

    age_months: int | None = None
    sex: Literal["male", "female"] | None = None
    is_pregnant: bool | None = None
    conditions: tuple[str, ...] = ()


class Said(msgspec.Struct, frozen=True):
    """What the resident did: wrote `text`, tapped the quick reply `choice`, or sent a form."""

    text: str = ""
    choice: str | None = None
    fields: dict[str, str] = {}


class Choice(msgspec.Struct, frozen=True):
    """快捷回复: a button below a reply. `id` comes back in `Said.choice`."""

    id: str
    label: str


class Field(msgspec.Struct, frozen=True):
    """One question of a form. `name` comes back as a key of `Said.fields`."""

    name: str
    label: str
    kind: Literal["choice", "number", "text"]
    choices: tuple[Choice, ...] = ()
    unit: str = ""


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """Why: the words `text` at `start:end` of what was written in turn `turn`, and which rule."""

    turn: int
    start: int
    end: int
    text: str
    rule_id: str
    rule_version: str
    kind: EvidenceKind
    status: Status = "present"
    score: float = 0.0


class Flag(msgspec.Struct, frozen=True):
    """危险信号. `deed`: what to do at once, in words for residents."""

    id: str
    name: str
    level: Priority
    deed: str
    calls_120: bool


class Ranked(msgspec.Struct, frozen=True, gc=False):
    """A department by its canonical name, and how well it fits."""

    name: str
    score: float


class Triage(msgspec.Struct, frozen=True):
    """分诊: what is known so far. `summary` is for the doctor, `next_step` and `safety_net` for the
    resident. No diagnosis, no medicine, no dose in any of them.
    """

    priority: Priority
    tier: Tier
    departments: tuple[Ranked, ...]
    red_flags: tuple[Flag, ...]
    intent: str
    slots: dict[str, str]
    summary: str
    next_step: str
    safety_net: str
    evidence: tuple[Evidence, ...]
    signed: bool
    """Whether a doctor signed every rule that decided; else pages say 示例规则，未经医生审核."""


class Reply(msgspec.Struct, frozen=True):
    """One message of the bot's."""

    kind: Literal["text", "emergency", "guide", "faq", "form"]
    text: str
    choices: tuple[Choice, ...] = ()
    fields: tuple[Field, ...] = ()


class HandOver(msgspec.Struct, frozen=True, tag="hand_over"):
    """转人工. The bot is silent as soon as a doctor has claimed the conversation."""

    reason: Literal["asked", "red_flag", "uncertain", "not_understood", "advised"]


class Book(msgspec.Struct, frozen=True, tag="book"):
    """The resident wants a place: find some, hold the one that is picked."""

    department: str
    tier: Tier


class Start(msgspec.Struct, frozen=True, tag="start"):
    """The resident wants something that another part of the service does."""

    what: Literal["medication_plan", "survey", "cancel_appointment"]


Action = HandOver | Book | Start


class Memory(msgspec.Struct, frozen=True):
    """All that the bot remembers of a conversation. `said`: every turn so far, the oldest first."""

    rules_version: str
    said: tuple[Said, ...] = ()
    stage: str = "open"
    asked: str = ""
    """The question that waits for an answer, and how often it was put."""
    asked_times: int = 0
    slots: dict[str, str] = {}
    kept: dict[str, str] = {}
    """What an interrupted flow goes on with."""


class Turn(msgspec.Struct, frozen=True):
    """The answer to one turn. With `memory` and the rules of its version it can be made again."""

    memory: Memory
    replies: tuple[Reply, ...]
    actions: tuple[Action, ...] = ()
    triage: Triage | None = None
