"""Pure: the hours and places of a schedule, checked by the rules of the workbook's 排班模板."""

from datetime import date, time
from typing import Any
from uuid import UUID

import msgspec

from backend.booking.models import KINDS, PERIODS
from backend.errors import Malformed

SLOT_MINUTES = (5, 240)
CAPACITY_MOST = 200  # places per slot
REASON_MOST = 100
FEE_FEN_MOST = 1_000_000


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """Wall-clock times in Asia/Shanghai, as "08:00". `capacity`: places per slot of `slot_minutes`.
    `fee_fen` in fen (0.01 yuan), None by the fee table."""

    period: str
    kind: str
    starts: str
    ends: str
    slot_minutes: int
    capacity: int
    fee_fen: int | None = None


class Weekly(Hours, frozen=True, kw_only=True):
    """Hours that come back every week. Dates inclusive, None is open."""

    practitioner_id: UUID | None
    weekday: int  # 1 Monday … 7 Sunday
    works_on_holidays: bool = False
    from_on: date | None = None
    to_on: date | None = None


def check(hours: Hours, practitioner_id: UUID | None) -> None:
    """Raises Malformed: with `field`, what to mend."""
    if hours.period not in PERIODS:
        raise Malformed("请选择上午、下午或夜间。", field="period")
    if hours.kind not in KINDS:
        raise Malformed("请选择号别。", field="kind")
    if hours.kind == "expert" and practitioner_id is None:
        raise Malformed("专家号要指定医生。", field="practitioner_id")
    least, most = SLOT_MINUTES
    if not least <= hours.slot_minutes <= most:
        raise Malformed(f"每段 {least} 到 {most} 分钟。", field="slot_minutes")
    minutes = _minutes(hours.ends, "ends") - _minutes(hours.starts, "starts")
    if minutes <= 0:
        raise Malformed("结束时间要晚于开始时间。", field="ends")
    if minutes % hours.slot_minutes:
        raise Malformed(f"班次共 {minutes} 分钟，要能被每段的分钟数整除。", field="slot_minutes")
    check_capacity(hours.capacity, least=1)
    if hours.fee_fen is not None and not 0 <= hours.fee_fen <= FEE_FEN_MOST:
        raise Malformed("挂号费在 0 到 10000 元之间。", field="fee_fen")


def check_weekly(weekly: Weekly) -> None:
    """Raises Malformed."""
    check(weekly, weekly.practitioner_id)
    if not 1 <= weekly.weekday <= 7:
        raise Malformed("请选择星期。", field="weekday")
    if weekly.from_on and weekly.to_on and weekly.to_on < weekly.from_on:
        raise Malformed("终止日期不能早于起始日期。", field="to_on")


def check_capacity(capacity: int, *, least: int = 0) -> None:
    """Raises Malformed."""
    if not least <= capacity <= CAPACITY_MOST:
        raise Malformed(f"每段号数在 {least} 到 {CAPACITY_MOST} 之间。", field="capacity")


def check_reason(reason: str) -> str:
    """The reason without blanks around it. Raises Malformed: there is none, or it is too long."""
    said = reason.strip()
    if not said:
        raise Malformed("请写明原因，会记入操作记录。", field="reason")
    if len(said) > REASON_MOST:
        raise Malformed(f"原因不超过 {REASON_MOST} 个字。", field="reason")
    return said


def _minutes(text: str, field: str) -> int:
    try:
        wall = time.fromisoformat(text)
    except ValueError:
        raise Malformed("时间要写成 08:00 的样子。", field=field) from None
    return wall.hour * 60 + wall.minute


def codes(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Values of `row` as the audit keeps them."""
    return {name: _code(getattr(row, name)) for name in names}


def _code(value: Any) -> Any:
    return str(value) if isinstance(value, date | UUID) else value
