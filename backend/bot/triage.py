"""分诊: one pure decision over a whole conversation. Red flags first; never a diagnosis."""

import operator
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from backend.bot import cases, departments, intents, red_flags, slots
from backend.bot.cases import Candidates
from backend.bot.reading import Reading, read_all, without_record
from backend.bot.red_flags import LEVELS, Raised
from backend.bot.rules import Rules
from backend.bot.schema import Rule, TierRule
from backend.bot.talk import Evidence, Person, Priority, Ranked, Status, Tier, Triage

EVIDENCE_MOST: Final = 60  # of what decided, red flags first
WORDS_MOST: Final = 300  # characters of the resident's own words in a summary
MEASURED: Final = {
    "temperature": "体温{:g}℃", "bp_systolic": "收缩压{:g}", "bp_diastolic": "舒张压{:g}",
    "glucose": "血糖{:g}", "pulse": "脉搏{:g}", "oxygen": "血氧{:g}%", "pain": "疼痛{:g}分",
    "pregnancy_weeks": "孕{:.0f}周",
}  # fmt: skip


def decide(
    rules: Rules,
    person: Person,
    texts: Sequence[str],
    *,
    given: Mapping[str, str] = {},
    confirmed: Collection[str] = (),
) -> Triage:
    """`given`: slots that a form filled. `confirmed`: doubtful red flags that were asked about."""
    readings = read_all(rules, person, texts)
    return judge(rules, person, readings, given=given, confirmed=confirmed)


def judge(
    rules: Rules,
    person: Person,
    readings: Sequence[Reading],
    *,
    given: Mapping[str, str],
    confirmed: Collection[str],
) -> Triage:
    person, readings = slots.whose(rules, readings, person, given)
    candidates = cases.candidates(rules, readings, person)
    raised = red_flags.find(rules, readings, person, candidates)
    firm = raised and [one for one in raised if one.status == "present" or one.rule.id in confirmed]
    evidence = _proofs(rules, readings, raised) if raised else []
    used: list[Rule] = [one.rule for one in firm] if firm else []
    priority = _priority(rules, readings, person, firm, used, candidates)
    told = slots.symptoms(rules, readings)
    filled, of_slots = slots.known(rules, readings, person, given, told)
    ranked = departments.rank(rules, readings, person)
    reasons = departments.evidence(rules, readings, ranked[0].name) if ranked else []
    intent, words = intents.classify(rules, readings)
    tier = _tier(rules, readings, person, priority, ranked, used, candidates)
    return Triage(
        priority=priority,
        tier=tier,
        departments=ranked,
        red_flags=tuple([one.flag for one in firm]) if firm else (),
        intent=intent,
        slots=filled,
        summary=_summary(rules, readings, firm, filled, told, priority),
        next_step=rules.wording[NEXT[priority]],
        safety_net=rules.wording[SAFETY[priority]],
        evidence=(*evidence, *of_slots, *reasons, *words)[:EVIDENCE_MOST],
        signed=all(map(REVIEWED_BY, used)),
    )


def _priority(
    rules: Rules,
    readings: Sequence[Reading],
    person: Person,
    firm: Sequence[Raised],
    used: list[Rule],
    candidates: Candidates,
) -> Priority:
    if firm:
        return min((one.rule.level for one in firm), key=LEVELS.index)
    for at, may_hold in candidates["urgencies"].items():
        held = [cases.holds(case, readings, person) for case in may_hold]
        if any([one and one[0] == "present" for one in held]):
            rule = rules.urgencies[at]
            used.append(rule)
            return rule.priority
    return "IV"


def _tier(
    rules: Rules,
    readings: Sequence[Reading],
    person: Person,
    priority: Priority,
    ranked: Sequence[Ranked],
    used: list[Rule],
    candidates: Candidates,
) -> Tier:
    may_hold = candidates["tiers"]
    for at, rule in _tiers(rules, priority, ranked[0].name if ranked else None):
        if not rule.when or (
            at in may_hold and any([cases.holds(case, readings, person) for case in may_hold[at]])
        ):
            used.append(rule)
            return rule.tier
    return "township"


def _tiers(rules: Rules, priority: Priority, department: str | None) -> list[tuple[int, TierRule]]:
    """Those that may speak of such a priority and department, with their numbers; worked out once
    for each pair."""
    known: dict[tuple[Priority, str | None], list[tuple[int, TierRule]]]
    known = rules.memo.setdefault(TIERS, {})
    found = known.get((priority, department))
    if found is None:
        found = known[priority, department] = [
            (at, rule)
            for at, rule in enumerate(rules.tiers)
            if (not rule.priorities or priority in rule.priorities)
            and (not rule.departments or department is None or department in rule.departments)
        ]
    return found


def _proofs(rules: Rules, readings: Sequence[Reading], raised: Sequence[Raised]) -> list[Evidence]:
    by_turn = {reading.turn: reading for reading in readings}
    return [
        by_turn[seen.turn].evidence(
            seen.start, seen.end, one.rule.id, str(one.rule.version), "red_flag", seen.status
        )
        for one in raised
        for seen in one.seen
    ]


def _summary(
    rules: Rules,
    readings: Sequence[Reading],
    firm: Sequence[Raised],
    filled: Mapping[str, str],
    symptoms: Mapping[Status, Sequence[str]],
    priority: Priority,
) -> str:
    """Lines for the doctor; what is not known has no line."""
    around = _around(rules)
    lines = [priority.join(around["priority"])]
    if firm:
        lines.append("；".join([one.rule.name for one in firm]).join(around["red_flags"]))
    if symptom := filled.get("symptom"):
        lines.append(symptom.join(around["symptoms"]))
    for status, name in BY_STATUS:
        if status in symptoms:
            lines.append("、".join(symptoms[status]).join(around[name]))
    if measured := _measured(readings):
        lines.append("，".join(measured).join(around["measures"]))
    if len(filled) > ("symptom" in filled):
        for slot in DETAILS:
            if value := filled.get(slot):
                lines.append(value.join(around[slot]))
    told = [reading.written for reading in without_record(readings) if reading.written]
    if told:
        lines.append(" / ".join(told)[:WORDS_MOST].join(around["words"]))
    return "\n".join(lines)


def _around(rules: Rules) -> dict[str, list[str]]:
    """What stands before and after the value of each line of a summary: joining is much faster
    than formatting. Made once for a version of the rules."""
    made: dict[str, list[str]] | None = rules.memo.get(__name__)
    if made is None:
        made = rules.memo[__name__] = {
            name.removeprefix(SUMMARY): text.format(value="\0").split("\0")
            for name, text in rules.wording.items()
            if name.startswith(SUMMARY)
        }
    return made


BY_STATUS: Final[tuple[tuple[Status, str], ...]] = (
    ("uncertain", "doubtful"), ("absent", "denied"), ("past", "past"),
)  # fmt: skip
DETAILS: Final = ("who", "age", "sex", "pregnancy", "duration", "severity", "chronic", "medicines")
REVIEWED_BY: Final = operator.attrgetter("reviewed_by")
TIERS: Final = "tiers that may be"  # a memo of the rules
SUMMARY: Final = "sum_"  # begins the names of its wordings
NEXT: Final = {level: f"next_{level}" for level in LEVELS}
SAFETY: Final = {level: f"safety_{level}" for level in LEVELS}


def _measured(readings: Sequence[Reading]) -> list[str]:
    found: dict[str, None] = {}
    for reading in readings:
        for measure in reading.measures:
            if measure.kind in MEASURED:
                found[MEASURED[measure.kind].format(measure.value)] = None
    return list(found)
