"""Pure: booking rules in words that a 70-year-old understands."""

from datetime import datetime
from functools import lru_cache

from backend.booking.policy import PENDING, Policy
from backend.booking.tickets import Ticket
from backend.clock import SHANGHAI

KINDS = {"general": "普通号", "expert": "专家号", "disease": "专病号", "outreach": "专家下沉号"}
POOLS = {
    "public": "公开号", "referral": "转诊号", "family_doctor": "家医号", "onsite": "现场号",
}  # fmt: skip
PERIODS = {"am": "上午", "pm": "下午", "night": "夜间"}
STATUSES = {
    "pending": "待确认", "booked": "已预约", "checked_in": "已签到", "called": "已叫号",
    "fulfilled": "已就诊", "cancelled": "已取消", "no_show": "爽约", "excused": "已豁免",
}  # fmt: skip


def yuan(fen: int) -> str:
    """`12.00 元`; no fee is said as such."""
    return f"{fen // 100}.{fen % 100:02d} 元" if fen else "免费"


@lru_cache(maxsize=1000)
def rules(policy: Policy) -> str:
    """The rules of one policy, as shown before booking."""
    return "".join(_sentences(policy))


def standing_rules(policy: Policy) -> list[str]:
    """The same one by one, with what leads to longer bars and what never counts."""
    never = "医院停诊、因天气等原因统一豁免的，都不算。觉得记错了，30 天内可以申诉。"
    return [*_sentences(policy), *filter(None, (_grades(policy),)), never]


def _sentences(policy: Policy) -> list[str]:
    found = (_deadline(policy), _no_shows(policy), _cancellations(policy))
    return [sentence for sentence in found if sentence]


def _grades(policy: Policy) -> str:
    if not (policy.no_shows_most or policy.cancellations_most):
        return ""
    if (policy.bar_second_pct, policy.bar_third_pct) == (100, 100):
        return ""
    second, third = (f"{pct / 100:g}" for pct in (policy.bar_second_pct, policy.bar_third_pct))
    return f"一年内再次被限，第二次的天数是首次的 {second} 倍，第三次起是 {third} 倍。"


def _deadline(policy: Policy) -> str:
    if policy.cancel_days_before == 1:
        return f"就诊前一天 {policy.cancel_at} 前可以免费取消或改约，之后取消按爽约计。"
    if policy.cancel_days_before:
        days = policy.cancel_days_before
        return f"就诊前 {days} 天的 {policy.cancel_at} 前可以免费取消或改约，之后取消按爽约计。"
    return f"开始前 {policy.cancel_min} 分钟可以免费取消或改约，之后取消按爽约计。"


def _no_shows(policy: Policy) -> str:
    if not policy.no_shows_most:
        return ""
    return (
        f"{policy.no_show_days} 天内爽约 {policy.no_shows_most} 次，"
        f"{policy.no_show_bar_days} 天内不能约专家号（普通号和乡镇、村里看病不受影响）。"
    )


def _cancellations(policy: Policy) -> str:
    if not policy.cancellations_most:
        return ""
    return (
        f"{policy.cancellation_days} 天内取消超过 {policy.cancellations_most} 次，"
        f"{policy.cancellation_bar_days} 天内不能约专家号。"
    )


def consequence(ticket: Ticket) -> str:
    """What cancelling means at this moment; said before the tap."""
    if not ticket.can_cancel:
        return "这个预约现在不能取消。"
    if ticket.status == PENDING:
        return "还没有确认，取消没有任何影响。"
    if ticket.late_now:
        return "已过免费取消时间，现在取消会记一次爽约。"
    return _free(ticket.free_until, ticket.policy.cancel_grace_min)


@lru_cache(maxsize=10_000)
def _free(until: datetime, grace_min: int) -> str:
    wall = until.astimezone(SHANGHAI)
    return (
        f"{wall.month}月{wall.day}日 {wall:%H:%M} 前取消不算爽约，会计入取消次数；"
        f"刚预约 {grace_min} 分钟内取消不计。"
    )
