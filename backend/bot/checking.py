"""Every rule against its own examples, and which rules and terms the examples never touch."""

from collections.abc import Callable, Iterator

import msgspec

from backend.bot import answers, cases, red_flags, slots
from backend.bot.reading import Reading, read_all
from backend.bot.rules import Rules
from backend.bot.schema import ANSWERS, Faq, Flow, Question, RedFlag, Rule, TierRule, Urgency
from backend.bot.talk import Person, Said

EXAMPLES_LEAST = 3  # of each kind; fewer is said, not refused


class Failure(msgspec.Struct, frozen=True):
    """An example that does not do what its rule says."""

    rule: str
    example: str
    expected: bool


class Coverage(msgspec.Struct, frozen=True):
    examples: int
    few: tuple[str, ...]
    """Rules with few examples of one kind."""
    unsigned: tuple[str, ...]
    terms: int
    touched: int
    """Words of signs, and how many of them stand in some example."""
    unused: tuple[str, ...]
    """Signs that no example shows."""


def failures(rules: Rules) -> list[Failure]:
    return [
        Failure(rule.id, example, expected)
        for _, rule in rules.every()
        for expected, examples in ((True, rule.positive), (False, rule.negative))
        for example in examples
        if matches(rules, rule, example) is not expected
    ]


def matches(rules: Rules, rule: Rule, text: str) -> bool:
    """Whether `rule` applies to `text`, said alone, by somebody of whom nothing is known."""
    readings = read_all(rules, Person(), [text])
    for kind, check in CHECKS.items():
        if isinstance(rule, kind):
            return check(rules, rule, readings)
    raise TypeError(type(rule))


def _flag(rules: Rules, rule: Rule, readings: list[Reading]) -> bool:
    return any(
        one.rule.id == rule.id and one.status == "present"
        for one in red_flags.find(rules, readings, Person())
    )


def _case(rules: Rules, rule: Rule, readings: list[Reading]) -> bool:
    among = cases.index(rules, "urgencies" if isinstance(rule, Urgency) else "tiers")
    compiled = next(
        found for one, found in zip(among.of, among.cases, strict=True) if one.id == rule.id
    )
    if not compiled and isinstance(rule, TierRule):
        return _priority_fits(rules, rule, readings)
    held = (cases.holds(case, readings, Person()) for case in compiled)
    return any(one is not None and one[0] == "present" for one in held)


def _priority_fits(rules: Rules, rule: TierRule, readings: list[Reading]) -> bool:
    from backend.bot import triage  # it checks what triage rests on

    found = triage.judge(rules, Person(), readings, given={}, confirmed=())
    urgent = found.priority in ("I", "II")
    return found.priority in rule.priorities if rule.priorities else not urgent


def _faq(rules: Rules, rule: Rule, readings: list[Reading]) -> bool:
    heard = answers.hear(rules, readings, Said())
    return heard.faq is not None and heard.faq.id == rule.id


def _flow(rules: Rules, rule: Rule, readings: list[Reading]) -> bool:
    assert isinstance(rule, Flow)  # noqa: S101
    heard = answers.hear(rules, readings, Said())
    if rule.does in ANSWERS:
        return heard.deed == rule.does
    return rule.does in heard.deeds


def _question(rules: Rules, rule: Rule, readings: list[Reading]) -> bool:
    told = slots.symptoms(rules, readings)
    return rule.id in slots.known(rules, readings, Person(), {}, told)[0]


Check = Callable[[Rules, Rule, list[Reading]], bool]
CHECKS: dict[type[Rule], Check] = {
    RedFlag: _flag,
    Urgency: _case,
    TierRule: _case,
    Faq: _faq,
    Flow: _flow,
    Question: _question,
}


def coverage(rules: Rules) -> Coverage:
    texts = [example for _, rule in rules.every() for example in (*rule.positive, *rule.negative)]
    readings = read_all(rules, Person(), texts)
    found = [rules.matcher.find(reading.text)["signs"] for reading in readings]
    touched = {term for hits in found for term, _, _ in hits}
    shown = {sign for reading in readings for sign in reading.signs}
    return Coverage(
        examples=len(texts),
        few=tuple(_few(rules)),
        unsigned=tuple(rules.unsigned()),
        terms=len(rules.phrases.terms),
        touched=len(touched),
        unused=tuple(sign.id for at, sign in enumerate(rules.signs) if at not in shown),
    )


def _few(rules: Rules) -> Iterator[str]:
    for _, rule in rules.every():
        if min(len(rule.positive), len(rule.negative)) < EXAMPLES_LEAST:
            yield rule.id
