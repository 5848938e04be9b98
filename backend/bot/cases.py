"""Whether a case of a rule holds in a conversation, and by which words.

What costs time, the meaning of each word, is asked only where all words of a case were found.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from backend.bot.measures import Measure
from backend.bot.phrases import Occurrence
from backend.bot.reading import FROM_RECORD, Reading
from backend.bot.rules import Rules
from backend.bot.schema import CLINICAL, Case, Limit, RedFlag, TierRule, Urgency
from backend.bot.talk import Person, Status

Clinical = RedFlag | Urgency | TierRule
COUNTS: Final[frozenset[Status]] = frozenset({"present", "uncertain"})


class Seen(msgspec.Struct, frozen=True, gc=False):
    """A sign or a number that a rule rests on. `sign` is its id, or the kind of the number."""

    sign: str
    turn: int
    start: int
    end: int
    status: Status


PREGNANT, CHRONIC, THIS_TIME = (
    "pregnant",
    "long_standing",
    ("sudden", "recent"),
)  # signs that this module knows
UNKNOWN: Final = -1
SILENCED_BY: Final = 20  # characters between a sign and what silences it
SPANS: Final = ("age_months", "duration_hours", "pregnancy_weeks")  # 不到3个月 is still so young
LONG_HOURS, LONG_REACH = 24.0 * 21, 14
Placed = Occurrence | Measure | Seen


@dataclass(frozen=True)
class Compiled:
    """A case with numbers instead of names."""

    case: Case
    groups: tuple[frozenset[int], ...]
    unless: tuple[int, ...]


class Index:
    """Rules of one kind, with their cases."""

    def __init__(self, rules: Rules, of: Sequence[Clinical]) -> None:
        number = rules.sign_number
        self.of = of
        self.cases: list[tuple[Compiled, ...]] = []
        for rule in of:
            silent = tuple(number[name] for name in getattr(rule, "unless", ()))
            cases = [_compiled(case, number, silent) for case in rule.when]
            if rule.id in number and isinstance(rule, RedFlag):
                alone = Case(all=(rule.id,), acute=rule.acute)
                cases.insert(0, Compiled(alone, (frozenset({number[rule.id]}),), silent))
            self.cases.append(tuple(cases))


def index(rules: Rules, kind: str) -> Index:
    """Worked out once for each version of the rules."""
    made = rules.memo.get(f"cases.{kind}")
    if made is None:
        made = rules.memo[f"cases.{kind}"] = Index(rules, getattr(rules, kind))
    assert isinstance(made, Index)  # noqa: S101  for the type checker
    return made


Candidates = Mapping[str, Mapping[int, list[Compiled]]]
"""Kind → rule → cases."""
NO_CANDIDATES: Final[Candidates] = {kind: {} for kind in CLINICAL}


class Masks:
    """Which cases may hold, given the signs that were found.

    Each case has a bit in a row, and as many rows as a case may have groups, up to a power of two.
    A sign has a mask of the groups that it stands in, so that one OR a sign and one AND for each
    half of the rows tells the cases all of whose groups stand in a conversation.
    """

    def __init__(self, rules: Rules) -> None:
        self._flat = [
            (kind, at, case)
            for kind in CLINICAL
            for at, cases in enumerate(index(rules, kind).cases)
            for case in cases
        ]
        groups = max([len(case.groups) for _, _, case in self._flat], default=0) or 1
        halves = (groups - 1).bit_length()
        self._rows = 1 << halves
        self._halves = [len(self._flat) << half for half in reversed(range(halves))]
        self._first_row = (1 << len(self._flat)) - 1
        self._pregnant = rules.sign_number.get(PREGNANT, UNKNOWN)
        self._always = 0
        self._of_sign: dict[int, int] = {}
        self._of_number: dict[str, int] = {}
        for bit, (_, _, case) in enumerate(self._flat):
            for row in range(self._rows):
                self._mark(case, row, 1 << (row * len(self._flat) + bit))

    def _mark(self, case: Compiled, row: int, mask: int) -> None:
        if row < len(case.groups):
            for sign in case.groups[row]:
                self._of_sign[sign] = self._of_sign.get(sign, 0) | mask
        elif row or not case.case.limits:
            self._always |= mask
        else:  # of numbers alone
            kind = case.case.limits[0].kind
            self._of_number[kind] = self._of_number.get(kind, 0) | mask

    def candidates(self, readings: Sequence[Reading], person: Person) -> Candidates:
        of_sign, of_number = self._of_sign, self._of_number
        found = self._always
        for reading in readings:
            for sign in reading.signs:
                if sign in of_sign:
                    found |= of_sign[sign]
            for measure in reading.measures:
                if measure.kind in of_number:
                    found |= of_number[measure.kind]
        if person.is_pregnant and readings:
            found |= of_sign.get(self._pregnant, 0)
        if found == self._always:
            return NO_CANDIDATES
        for half in self._halves:
            found &= found >> half
        found &= self._first_row
        if not found:
            return NO_CANDIDATES
        among: dict[str, dict[int, list[Compiled]]] = {kind: {} for kind in CLINICAL}
        while found:
            bit = found & -found
            found ^= bit
            kind, at, case = self._flat[bit.bit_length() - 1]
            among[kind].setdefault(at, []).append(case)
        return among


def candidates(rules: Rules, readings: Sequence[Reading], person: Person) -> Candidates:
    """Those cases all of whose signs stand somewhere, meant or not."""
    made: Masks | None = rules.memo.get(__name__)
    if made is None:
        made = rules.memo[__name__] = Masks(rules)
    return made.candidates(readings, person)


def _compiled(case: Case, number: dict[str, int], silent: tuple[int, ...]) -> Compiled:
    return Compiled(
        case,
        tuple(frozenset(number[name] for name in names.split("|")) for names in case.all),
        (*silent, *(number[name] for names in case.unless for name in names.split("|"))),
    )


def holds(
    case: Compiled, readings: Sequence[Reading], person: Person
) -> tuple[Status, list[Seen]] | None:
    """`present`, or `uncertain` when a word that it needs is doubtful; None: it doesn't hold."""
    if not _all_found(case, readings, person) or not _fits(case.case, readings, person):
        return None
    numbers = [_number(limit, readings) for limit in case.case.limits]
    if None in numbers:
        return None
    found = [_group(case, group, readings) for group in case.groups]
    chosen = (
        _near(case, found, readings) if case.case.near else _anywhere(case, found, readings, person)
    )
    if chosen is None:
        return None
    seen = [*chosen, *(number for number in numbers if number is not None)]
    doubtful = any(one.status == "uncertain" for one in seen)
    return ("uncertain" if doubtful else "present"), seen


def _fits(case: Case, readings: Sequence[Reading], person: Person) -> bool:
    if case.sex is not None and person.sex not in (None, case.sex):
        return False
    if case.age_under_months is None and case.age_from_months is None:
        return True
    ages = ages_in(readings, person)
    under, least = case.age_under_months, case.age_from_months
    return any((under is None or age < under) and (least is None or age >= least) for age in ages)


def ages_in(readings: Sequence[Reading], person: Person) -> list[float]:
    """Those that are written; only without any, the one on record (it may be somebody else's)."""
    written = [
        one.value for reading in readings for one in reading.measures if one.kind == "age_months"
    ]
    if written or person.age_months is None:
        return written
    return [float(person.age_months)]


def _all_found(case: Compiled, readings: Sequence[Reading], person: Person) -> bool:
    for group in case.groups:
        for reading in readings:
            if not group.isdisjoint(reading.signs):
                break
        else:
            if not _known(group, readings, person):
                return False
    return True


def _known(group: Collection[int], readings: Sequence[Reading], person: Person) -> bool:
    """What the record says without a word of the resident's."""
    if not readings or not person.is_pregnant:
        return False
    return readings[0].rules.sign_number.get(PREGNANT, UNKNOWN) in group


def _number(limit: Limit, readings: Sequence[Reading]) -> Seen | None:
    for reading in reversed(readings):
        for measure in reading.measures:
            if measure.kind != limit.kind or not limit.holds(measure.value):
                continue
            if measure.kind in SPANS or not reading.scope.denies_number(measure.start):
                return Seen(measure.kind, reading.turn, measure.start, measure.end, "present")
    return None


def occurrences(
    sign: int, readings: Sequence[Reading]
) -> Iterator[tuple[Reading, Occurrence, Status]]:
    """Where a sign stands and counts. What lasts counts when it is past, too."""
    for reading in readings:
        for occurrence in reading.signs.get(sign, ()):
            of = reading.rules.signs[sign]
            if reading.turn == FROM_RECORD and not of.condition:
                continue
            status = reading.status(occurrence)
            if status == "past" and of.lasting:
                status = "present"
            if status in COUNTS:
                yield reading, occurrence, status


def _group(case: Compiled, group: Collection[int], readings: Sequence[Reading]) -> list[Seen]:
    """Every place where one of these signs stands, those that are sure first."""
    seen = [
        Seen(reading.rules.signs[sign].id, reading.turn, one.start, one.end, status)
        for sign in sorted(group)
        for reading, one, status in occurrences(sign, readings)
        if not (case.unless and _silenced(case.unless, reading, one))
        and not (case.case.acute and not _lasts(reading, sign) and _long_standing(reading, one))
    ]
    return sorted(seen, key=lambda one: one.status != "present")


def _silenced(unless: Sequence[int], reading: Reading, one: Occurrence) -> bool:
    return any(
        _distance(one, other) <= SILENCED_BY
        for sign in unless
        for other in reading.signs.get(sign, ())
        if reading.status(other) in ("present", "past")
    )


def _long_standing(reading: Reading, one: Occurrence) -> bool:
    """经常, 三年了 next to it; 突然 next to it says that this time is another."""
    number = reading.rules.sign_number
    if any(_any_near(reading, number.get(name, UNKNOWN), one) for name in THIS_TIME):
        return False
    return _any_near(reading, number.get(CHRONIC, UNKNOWN), one) or any(
        measure.kind == "duration_hours"
        and measure.value >= LONG_HOURS
        and _distance(one, measure) <= LONG_REACH
        for measure in reading.measures
    )


def _lasts(reading: Reading, sign: int) -> bool:
    """A disease or an operation may be old; what comes of it is new."""
    return reading.rules.signs[sign].lasting


def _any_near(reading: Reading, sign: int, one: Occurrence) -> bool:
    return any(_distance(one, other) <= LONG_REACH for other in reading.signs.get(sign, ()))


def _anywhere(
    case: Compiled, found: Sequence[Sequence[Seen]], readings: Sequence[Reading], person: Person
) -> list[Seen] | None:
    chosen = []
    for group, seen in zip(case.groups, found, strict=True):
        if seen:
            chosen.append(seen[0])
        elif not _known(group, readings, person):
            return None
    return chosen


def _near(
    case: Compiled, found: Sequence[Sequence[Seen]], readings: Sequence[Reading]
) -> list[Seen] | None:
    """Every sign within so many characters of one of the first group, or told in another message
    where it is one that stands for long (a disease, a pregnancy).
    """
    signs = readings[0].rules
    for first in found[0]:
        near = [
            [
                one
                for one in group
                if (one.turn == first.turn and _distance(first, one) <= case.case.near)
                or (one.turn != first.turn and (_stands(signs, one) or _stands(signs, first)))
            ]
            for group in found[1:]
        ]
        if all(near):
            return [first, *(ones[0] for ones in near)]
    return None


def _stands(rules: Rules, seen: Seen) -> bool:
    sign = rules.signs[rules.sign_number[seen.sign]]
    return sign.standing or sign.condition or sign.lasting


def _distance(one: Placed, other: Placed) -> int:
    return max(one.start, other.start) - min(one.end, other.end)
