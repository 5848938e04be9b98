"""危险信号, first on every turn and over the whole conversation.

A denial takes away its own words only: a flag that stands elsewhere, or earlier, still stands.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from backend.bot import cases
from backend.bot.cases import Candidates, Seen
from backend.bot.reading import Reading
from backend.bot.rules import Rules
from backend.bot.schema import RedFlag
from backend.bot.talk import Flag, Person, Status

LEVELS: Final = ("I", "II", "III", "IV")


class Raised(msgspec.Struct, frozen=True):
    """A rule that holds, or is doubtful, and the words that it rests on."""

    rule: RedFlag
    status: Status
    seen: tuple[Seen, ...]

    @property
    def flag(self) -> Flag:
        rule = self.rule
        return Flag(rule.id, rule.name, rule.level, rule.deed, rule.calls_120)


def find(
    rules: Rules,
    readings: Sequence[Reading],
    person: Person,
    candidates: Candidates | None = None,
) -> list[Raised]:
    """The most urgent first. `candidates`: of these readings, where they are known."""
    if candidates is None:
        candidates = cases.candidates(rules, readings, person)
    if not candidates["red_flags"]:
        return []
    raised = []
    for at, may_hold in candidates["red_flags"].items():
        found = [
            held for case in may_hold if (held := cases.holds(case, readings, person)) is not None
        ]
        if found:
            status, seen = min(found, key=lambda held: held[0] != "present")
            raised.append(Raised(rules.red_flags[at], status, tuple(seen)))
    return sorted(raised, key=lambda one: (LEVELS.index(one.rule.level), one.rule.id))
