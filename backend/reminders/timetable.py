"""Pure: on which days and at what hours a medicine is taken, in FHIR's terms, and in Chinese.

A subset of FHIR R5 `Timing.repeat`: hours of a day (`timeOfDay`) or meals (`when`), never both;
every n days (`period`) or weekdays (`dayOfWeek`), never both; the days between (`boundsPeriod`).
Tapers are plans one after the other.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

import msgspec

from backend.errors import Malformed

DAYS_MOST = 84  # a long-term prescription: 12 weeks at most (general knowledge, not read up: M)
AHEAD_MOST = timedelta(days=DAYS_MOST)  # between today and the first day, either way
A_DAY_MOST = 6
EVERY_MOST = 30

# FHIR `when`: before (AC) or after (PC) breakfast (M), lunch (D) or dinner (V), and bedtime.
WHEN = MappingProxyType({
    "ACM": "早饭前", "PCM": "早饭后", "ACD": "午饭前", "PCD": "午饭后", "ACV": "晚饭前",
    "PCV": "晚饭后", "HS": "睡前",
})  # fmt: skip
# A clock's hours for them: ours, in the order of a day, half an hour from a usual meal.
USUAL: Mapping[str, time] = MappingProxyType({
    "ACM": time(6, 30), "PCM": time(7, 30), "ACD": time(11, 30), "PCD": time(12, 30),
    "ACV": time(17, 30), "PCV": time(18, 30), "HS": time(21),
})  # fmt: skip
WEEKDAYS = "一二三四五六日"


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """`times`: on a wall in China; `weekdays`: 1 is Monday. Both days are included."""

    from_on: date
    to_on: date
    times: tuple[time, ...] = ()
    when: tuple[str, ...] = ()
    every_days: int = 1
    weekdays: tuple[int, ...] = ()


class Occurrence(msgspec.Struct, frozen=True):
    """One time that a medicine falls due. `at`: on a wall in China; `when`: FHIR's, or none."""

    on: date
    at: time
    when: str = ""


def sound(timing: Timing) -> Timing:
    """In the order of a day and of a week, each once. Raises Malformed."""
    _check_hours(timing)
    _check_days(timing)
    return msgspec.structs.replace(
        timing,
        times=tuple(sorted(set(timing.times))),
        when=tuple(code for code in WHEN if code in timing.when),
        weekdays=tuple(sorted(set(timing.weekdays))),
    )


def _check_hours(timing: Timing) -> None:
    if timing.times and timing.when:
        raise Malformed("钟点和饭前饭后只选一种写法。", field="times")
    if any(code not in WHEN for code in timing.when):
        raise Malformed("请从早中晚饭前后和睡前里选。", field="when")
    if any(at.second or at.microsecond or at.tzinfo for at in timing.times):
        raise Malformed("时间只写到分钟，比如 08:00。", field="times")
    if len(set(timing.times)) > A_DAY_MOST or len(set(timing.when)) > A_DAY_MOST:
        field = "times" if timing.times else "when"
        raise Malformed(f"一天最多 {A_DAY_MOST} 次。", field=field)


def _check_days(timing: Timing) -> None:
    if not 1 <= timing.every_days <= EVERY_MOST:
        raise Malformed(f"每 1 到 {EVERY_MOST} 天吃一次。", field="every_days")
    if any(not 1 <= one <= 7 for one in timing.weekdays):
        raise Malformed("请从星期一到星期日里选。", field="weekdays")
    if timing.weekdays and timing.every_days > 1:
        raise Malformed("隔几天吃和星期几吃只选一种写法。", field="weekdays")
    if timing.to_on < timing.from_on:
        raise Malformed("最后一天不能早于第一天。", field="to_on")
    if (timing.to_on - timing.from_on).days >= DAYS_MOST:
        raise Malformed(
            f"一次最多写 {DAYS_MOST // 7} 周（长期处方的上限），到期照新的处方再写。", field="to_on"
        )


def begins_soundly(timing: Timing, today: date) -> None:
    """Whether such a plan can be written today. Raises Malformed."""
    if abs(timing.from_on - today) > AHEAD_MOST:
        raise Malformed("第一天离今天太远，请检查日期。", field="from_on")
    if timing.to_on < today:
        raise Malformed("最后一天已经过去，请检查日期。", field="to_on")


def falls_on(timing: Timing, on: date) -> bool:
    """Whether the medicine is taken on that day at all."""
    if not timing.from_on <= on <= timing.to_on:
        return False
    if timing.weekdays:
        return on.isoweekday() in timing.weekdays
    return (on - timing.from_on).days % timing.every_days == 0


def occurrences(
    timing: Timing, from_on: date, to_on: date, *, usual: Mapping[str, time] = USUAL
) -> Iterator[Occurrence]:
    """Each time that falls due from `from_on` to `to_on`, both included, oldest first.

    `usual`: when somebody has their meals and goes to bed.
    """
    hours = [Occurrence(timing.from_on, at) for at in timing.times]
    hours += [Occurrence(timing.from_on, usual[code], code) for code in timing.when]
    hours.sort(key=lambda one: one.at)
    on = max(from_on, timing.from_on)
    while on <= min(to_on, timing.to_on):
        if falls_on(timing, on):
            yield from (msgspec.structs.replace(one, on=on) for one in hours)
        on += timedelta(days=1)


def words(timing: Timing) -> str:
    """`每天 2 次，早饭后、晚饭后`; without hours only the days."""
    hours = [f"{at.hour}:{at.minute:02d}" for at in timing.times]
    hours += [WHEN[code] for code in timing.when]
    days, count = _days(timing), f"{len(hours)} 次"
    if not hours:
        return days
    times = f"{days} {count}" if days == "每天" else f"{days}，当天 {count}"
    return f"{times}，{'、'.join(hours)}"


def _days(timing: Timing) -> str:
    if timing.weekdays and len(timing.weekdays) < 7:
        return f"每周{'、'.join(WEEKDAYS[one - 1] for one in timing.weekdays)}"
    return "每天" if timing.every_days == 1 else f"每 {timing.every_days} 天一回"


def span(timing: Timing) -> str:
    """`2026年11月23日到2027年2月14日`, the second year only where it is another one."""
    first, last = timing.from_on, timing.to_on
    year = f"{last.year}年" if last.year != first.year else ""
    return f"{first.year}年{first.month}月{first.day}日到{year}{last.month}月{last.day}日"


def read_times(text: str) -> tuple[time, ...]:
    """`08:00 20:00`, as people type it on a form. Raises Malformed."""
    plain = text.translate(str.maketrans("：，、；;,", ":     "))
    try:
        return tuple(datetime.strptime(one, "%H:%M").time() for one in plain.split())  # noqa: DTZ007
    except ValueError:
        raise Malformed("时间写成 08:00 这样，几个之间空一格。", field="times") from None
