"""Pure: how a wait stands, in words that a 70-year-old understands."""

from backend.booking.waitlist import policy as rules
from backend.booking.waitlist.entries import Wait
from backend.booking.waitlist.policy import EXPIRED, LEFT, OFFERED, PLACED

STATES = {
    "waiting": "排队中", "offered": "已留号", "placed": "候补到号", "left": "已退出",
    "expired": "已到期",
}  # fmt: skip
# Why somebody was passed, as staff read it.
REASONS = {
    rules.REFUSED: "这个号给过，没有要或没有确认",
    rules.EARLIER: "这一班已经约过",
    rules.DAY: "当天预约已达上限",
    rules.DEPARTMENT: "当天这个科室已有预约",
    rules.BARRED: "暂时不能约专家号",
    rules.NOBODY: "没有人能替这位办事",
    rules.TOO_FEW: "一家人要一起，号不够",
    rules.ELSEWHERE: "正好退出或拿到了别的号",
}


def says(wait: Wait) -> str:
    """One or two sentences about an entry."""
    if wait.state == OFFERED:
        return "给您留了一个号，请尽快确认。"
    ended = {PLACED: "已经候补到号。", LEFT: "已退出候补。", EXPIRED: "候补已结束，没有等到号。"}
    if wait.state in ended:
        return ended[wait.state]
    place = f"前面还有 {wait.ahead} 人。" if wait.ahead else "您排在最前面。"
    return place + ("您已另外约到号；不用再等的话，请退出候补。" if wait.booked_id else "")
