"""Whether a case of a rule holds in a conversation, and by which words.

What costs time, the meaning of each word, is asked only where all words of a case were found.
"""

from collections.abc import Iterator, Sequence

import msgspec

from backend.bot.measures import Measure
from backend.bot.phrases import Occurrence
from backend.bot.reading import FROM_RECORD, Reading
from backend.bot.rules import Rules
from backend.bot.schema import Case, Limit, RedFlag, TierRule, Urgency
from backend.bot.talk import Person, Status

Clinical = RedFlag | Urgency | TierRule
PREGNANT, UNKNOWN = "pregnant", -1  # the sign that the record may know by itself
COUNTS: frozenset[Status] = frozenset({"present", "uncertain"})


class Seen(msgspec.Struct, frozen=True):
    """A sign or a number that a rule rests on. `sign` is its id, or the kind of the number."""

    sign: str
    turn: int
    start: int
    end: int
    status: Status


class Compiled(msgspec.Struct, frozen=True):
    """A case with numbers instead of names."""

    case: Case
    groups: tuple[tuple[int, ...], ...]
    unless: tuple[int, ...]


class Index:
    """Rules of one kind: which may hold, given the signs that were found."""

    def __init__(self, rules: Rules, of: Sequence[Clinical]) -> None:
        number = rules.sign_number
        self.of = of
        self.cases: list[tuple[Compiled, ...]] = []
        self._by_sign: dict[int, list[int]] = {}
        self._by_number: dict[str, list[int]] = {}
        for at, rule in enumerate(of):
            silent = tuple(number[name] for name in getattr(rule, "unless", ()))
            cases = [_compiled(case, number, silent) for case in rule.when]
            if rule.id in number and isinstance(rule, RedFlag):
                cases.insert(0, Compiled(Case(all=(rule.id,)), ((number[rule.id],),), silent))
            self.cases.append(tuple(cases))
            for case in cases:
                for sign in case.groups[0] if case.groups else ():
                    self._by_sign.setdefault(sign, []).append(at)
                if not case.groups:
                    self._by_number.setdefault(case.case.limits[0].kind, []).append(at)

    def candidates(self, readings: Sequence[Reading]) -> list[int]:
        found: set[int] = set()
        for reading in readings:
            for sign in reading.signs:
                found.update(self._by_sign.get(sign, ()))
            for measure in reading.measures if self._by_number else ():
                found.update(self._by_number.get(measure.kind, ()))
        return sorted(found)


def index(rules: Rules, kind: str) -> Index:
    """Worked out once for each version of the rules."""
    made = rules.memo.get(f"cases.{kind}")
    if made is None:
        made = rules.memo[f"cases.{kind}"] = Index(rules, getattr(rules, kind))
    assert isinstance(made, Index)  # noqa: S101  for the type checker
    return made


def _compiled(case: Case, number: dict[str, int], silent: tuple[int, ...]) -> Compiled:
    return Compiled(
        case,
        tuple(tuple(number[name] for name in names.split("|")) for names in case.all),
        (*silent, *(number[name] for names in case.unless for name in names.split("|"))),
    )


def holds(
    case: Compiled, readings: Sequence[Reading], person: Person
) -> tuple[Status, list[Seen]] | None:
    """`present`, or `uncertain` when a word that it needs is doubtful; None: it doesn't hold."""
    if not _fits(case.case, readings, person) or not _all_found(case, readings, person):
        return None
    numbers = [_number(limit, readings) for limit in case.case.limits]
    if None in numbers:
        return None
    if any(_meant(sign, readings, person, present=True) for sign in case.unless):
        return None
    chosen = _near(case, readings) if case.case.near else _anywhere(case, readings, person)
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
    return all(
        any(sign in reading.signs for reading in readings for sign in group)
        or _known(group, readings, person)
        for group in case.groups
    )


def _known(group: Sequence[int], readings: Sequence[Reading], person: Person) -> bool:
    """What the record says without a word of the resident's."""
    if not readings or not person.is_pregnant:
        return False
    return readings[0].rules.sign_number.get(PREGNANT, UNKNOWN) in group


def _number(limit: Limit, readings: Sequence[Reading]) -> Seen | None:
    for reading in reversed(readings):
        for measure in reading.measures:
            if measure.kind == limit.kind and limit.holds(measure.value):
                return _seen_number(measure, reading)
    return None


def _seen_number(measure: Measure, reading: Reading) -> Seen:
    return Seen(measure.kind, reading.turn, measure.start, measure.end, "present")


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


def _meant(
    sign: int, readings: Sequence[Reading], person: Person, *, present: bool = False
) -> Seen | None:
    """The best occurrence: one that stands rather than one that is doubtful."""
    doubtful = None
    for reading, occurrence, status in occurrences(sign, readings):
        name = reading.rules.signs[sign].id
        seen = Seen(name, reading.turn, occurrence.start, occurrence.end, status)
        if status == "present":
            return seen
        doubtful = doubtful or seen
    return None if present else doubtful


def _anywhere(case: Compiled, readings: Sequence[Reading], person: Person) -> list[Seen] | None:
    chosen = []
    for group in case.groups:
        found = [seen for sign in group if (seen := _meant(sign, readings, person)) is not None]
        if found:
            chosen.append(min(found, key=lambda seen: seen.status != "present"))
        elif not _known(group, readings, person):
            return None
    return chosen


def _near(case: Compiled, readings: Sequence[Reading]) -> list[Seen] | None:
    """Every sign within so many characters of one of the first group, in the same message."""
    for reading in readings:
        groups = [
            [
                Seen(reading.rules.signs[sign].id, reading.turn, one.start, one.end, status)
                for sign in group
                for _, one, status in occurrences(sign, (reading,))
            ]
            for group in case.groups
        ]
        for first in groups[0]:
            near = [
                [one for one in group if _distance(first, one) <= case.case.near]
                for group in groups[1:]
            ]
            if all(near):
                return [
                    first,
                    *(min(ones, key=lambda one: one.status != "present") for ones in near),
                ]
    return None


def _distance(one: Seen, other: Seen) -> int:
    return max(one.start, other.start) - min(one.end, other.end)
