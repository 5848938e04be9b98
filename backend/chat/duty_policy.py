"""Pure: until when somebody must answer, when that time stands still, and who is asked next.

The levels are those of `clinical.md` (I 濒危, II 危重, III 急症, IV 非急症). How long each may
wait belongs to the patient's state, not to the service's hours: so I and II never stand still, III
does not either unless an institution decides so for the night, and only IV keeps office hours.
Why these numbers: docs/adr/0029-hand-over.md.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec

from backend.chat.working_time import DAY_MIN, Hours, Week, day_end, later, plain
from backend.errors import Malformed

PRIORITIES = ("I", "II", "III", "IV")
NEVER_PAUSED = ("I", "II")
LEVELS = ("contract", "team", "township", "county", "worklist")
"""签约医生 → 团队 → 乡镇值班 → 县级值班 → 管理员的待办. The last one is a list, not a person: it
always exists, and whoever has `chat.oversee` there sees it."""
WORKLIST = LEVELS[-1]
AGAIN = timedelta(hours=1)  # so often what stands on the last level is brought up again
NO_HOURS = timedelta(hours=24)  # where an institution has no working time within 40 days at all

Minutes = Annotated[int, msgspec.Meta(ge=1, le=7 * DAY_MIN)]
OfDay = Annotated[int, msgspec.Meta(ge=0, le=DAY_MIN)]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one priority, in minutes. `first_min`: to the first answer; None: the same working day,
    but `step_min` at least. `step_min`: for each further level. `silent_min`: for whoever has
    claimed it, to each answer."""

    first_min: Minutes | None
    step_min: Minutes
    silent_min: Minutes
    pauses: Literal["never", "night", "closed"]


class DutyPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of the numbers, kept with each hand-over. Night: minutes after midnight."""

    version: str
    rules: dict[Literal["I", "II", "III", "IV"], Rule]
    night_from_min: OfDay = 22 * 60
    night_to_min: OfDay = 6 * 60


BUILT_IN = DutyPolicy(
    version="built-in@1",
    rules={
        "I": Rule(first_min=2, step_min=2, silent_min=2, pauses="never"),
        "II": Rule(first_min=10, step_min=5, silent_min=5, pauses="never"),
        "III": Rule(first_min=30, step_min=15, silent_min=15, pauses="never"),
        "IV": Rule(first_min=None, step_min=60, silent_min=120, pauses="closed"),
    },
)
FIRST_MOST = {"I": 5, "II": 10, "III": 30}  # of the national levels: sooner is allowed, later not


def check(policy: DutyPolicy) -> None:
    """Raises Malformed: numbers that no institution may set, with `field`."""
    for priority in PRIORITIES:
        rule = policy.rules.get(priority)  # type: ignore[call-overload]
        if rule is None:
            raise Malformed(f"缺少{priority}级的时限。", field=f"rules.{priority}")
        most = FIRST_MOST.get(priority)
        if most is not None and (rule.first_min is None or rule.first_min > most):
            raise Malformed(
                f"{priority}级最迟 {most} 分钟答复。", field=f"rules.{priority}.first_min"
            )
        if most is not None and max(rule.step_min, rule.silent_min) > most:
            raise Malformed(
                f"{priority}级每一步不超过 {most} 分钟。", field=f"rules.{priority}.step_min"
            )
        if priority in NEVER_PAUSED and rule.pauses != "never":
            raise Malformed(f"{priority}级不能停表。", field=f"rules.{priority}.pauses")
        if priority == "III" and rule.pauses == "closed":
            raise Malformed("III级最多夜间停表。", field="rules.III.pauses")
    if not policy.night_to_min < policy.night_from_min:
        raise Malformed("夜间要从晚上到第二天早上。", field="night_to_min")


def next_level(level: str) -> str:
    """Who is asked after `level`; after the last one, the last one."""
    return LEVELS[min(LEVELS.index(level) + 1, len(LEVELS) - 1)]


def more_urgent(one: str, other: str) -> str:
    return min(one, other, key=PRIORITIES.index)


def less_than_emergency(priority: str) -> str:
    """The same, but II at most."""
    return max(priority, "II", key=PRIORITIES.index)


def first_due_at(policy: DutyPolicy, priority: str, at: datetime, week: Week) -> datetime:
    """Until when the first answer must be there. `week`: the institution's hours."""
    rule = _rule(policy, priority)
    if rule.first_min is not None:
        return _after(policy, rule, at, rule.first_min, week)
    least = _after(policy, rule, at, rule.step_min, week)
    return max(least, day_end(week, at) or least)


def step_due_at(policy: DutyPolicy, priority: str, at: datetime, week: Week) -> datetime:
    """Until when the next level must have claimed it."""
    rule = _rule(policy, priority)
    return _after(policy, rule, at, rule.step_min, week)


def silent_due_at(policy: DutyPolicy, priority: str, at: datetime, week: Week) -> datetime:
    """Until when whoever has claimed it must have answered."""
    rule = _rule(policy, priority)
    return _after(policy, rule, at, rule.silent_min, week)


def again_at(policy: DutyPolicy, priority: str, at: datetime, week: Week) -> datetime:
    """When what nobody on the last level took is brought up again."""
    return max(at + AGAIN, step_due_at(policy, priority, at, week))


def keeps_hours(policy: DutyPolicy, priority: str) -> bool:
    """Whether it waits for whoever works later that day, rather than look who is there now."""
    return _rule(policy, priority).pauses == "closed"


def _rule(policy: DutyPolicy, priority: str) -> Rule:
    return policy.rules[priority]  # type: ignore[index]


def _after(policy: DutyPolicy, rule: Rule, at: datetime, minutes: int, week: Week) -> datetime:
    if rule.pauses == "closed":
        return later(week, at, minutes) or at + NO_HOURS
    if rule.pauses == "night":
        awake = tuple(Hours(day, policy.night_to_min, policy.night_from_min) for day in range(1, 8))
        return later(awake, at, minutes, plain) or at + NO_HOURS
    return at + timedelta(minutes=minutes)
