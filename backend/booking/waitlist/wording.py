"""Pure: how a wait stands, in words that a 70-year-old understands."""

from backend.booking.waitlist.entries import Wait
from backend.booking.waitlist.policy import EXPIRED, LEFT, OFFERED, PLACED


def says(wait: Wait) -> str:
    """One or two sentences about an entry."""
    if wait.state == OFFERED:
        return "给您留了一个号，请尽快确认。"
    ended = {PLACED: "已经候补到号。", LEFT: "已退出候补。", EXPIRED: "候补已结束，没有等到号。"}
    if wait.state in ended:
        return ended[wait.state]
    place = f"前面还有 {wait.ahead} 人。" if wait.ahead else "您排在最前面。"
    return place + ("您已另外约到号；不用再等的话，请退出候补。" if wait.booked_id else "")
