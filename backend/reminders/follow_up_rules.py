"""Pure: after how many days to look again, by group; a proposal that a doctor changes at will.

Strict, as the bot's rules are: an unknown field is a fault, and a case without an example that
holds does not load. Rules that nobody has signed are offered only where the deployment allows it.
"""

import functools
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta

FILE = Path(__file__).with_name("rules") / "follow_up.yaml"
DAYS_MOST = 400
UNSIGNED = "示例规则，未经医生审核"
Id = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{1,29}$")]
Words = Annotated[str, Meta(min_length=1, max_length=100)]
Some = Annotated[tuple[Words, ...], Meta(min_length=1, max_length=10)]


class RulesWrong(ValueError):
    """The file can't be used: says which rule, and why."""


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Example(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    from_on: date
    due_on: date


class Case(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was found this time; `days` until the next look, at most so many."""

    id: Id
    name: Words
    days: Annotated[int, Meta(ge=1, le=DAYS_MOST)]
    examples: Annotated[tuple[Example, ...], Meta(min_length=1, max_length=20)]


class Rule(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of people. `reviewed_by` is empty until a doctor has signed."""

    id: Id
    name: Words
    version: Annotated[int, Meta(ge=1)]
    source: Some
    reviewed_by: Annotated[str, Meta(max_length=80)]
    effective_from: date
    cases: Annotated[tuple[Case, ...], Meta(min_length=1, max_length=10)]


class Proposal(msgspec.Struct, frozen=True):
    """`version`: what is written down beside what came of it, as `hypertension@1`."""

    case_id: str
    group: str
    case: str
    days: int
    version: str
    source: str
    signed: bool

    def due_on(self, from_on: date) -> date:
        return from_on + timedelta(days=self.days)


def read(text: str) -> tuple[Rule, ...]:
    """Raises RulesWrong."""
    try:
        loaded: Any = yaml.safe_load(text)
        shared = loaded.get("shared", {})
        rules = tuple(msgspec.convert(shared | one, Rule) for one in loaded["rules"])
    except (yaml.YAMLError, msgspec.ValidationError, KeyError, TypeError, AttributeError) as wrong:
        raise RulesWrong(str(wrong)) from wrong
    ids = [case.id for rule in rules for case in rule.cases] + [rule.id for rule in rules]
    if len(set(ids)) != len(ids):
        raise RulesWrong("an id stands twice")
    for rule in rules:
        for case in rule.cases:
            for example in case.examples:
                if example.from_on + timedelta(days=case.days) != example.due_on:
                    raise RulesWrong(f"{case.id}: the example of {example.from_on} does not hold")
    return rules


@functools.cache
def rules() -> tuple[Rule, ...]:
    """As they were shipped."""
    return read(FILE.read_text("utf-8"))


def offered(today: date, *, unsigned_allowed: bool) -> list[Proposal]:
    """Of every rule that is in force; those that nobody has signed only where that is allowed."""
    return [
        Proposal(
            case.id,
            rule.name,
            case.name,
            case.days,
            f"{rule.id}@{rule.version}",
            "；".join(rule.source),
            bool(rule.reviewed_by),
        )
        for rule in rules()
        if (rule.reviewed_by and rule.effective_from <= today) or unsigned_allowed
        for case in rule.cases
    ]


def find(case_id: str, today: date, *, unsigned_allowed: bool) -> Proposal | None:
    known = offered(today, unsigned_allowed=unsigned_allowed)
    return next((one for one in known if one.case_id == case_id), None)


def label(version: str) -> str:
    """`高血压，第 1 版`, and that nobody has signed it, where that is known."""
    id, _, number = version.partition("@")
    rule = next((one for one in rules() if one.id == id), None)
    if rule is None:
        return version
    unsigned = str(rule.version) == number and not rule.reviewed_by
    return f"{rule.name}，第 {number} 版" + (f"（{UNSIGNED}）" if unsigned else "")
