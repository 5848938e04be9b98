"""Pure: what the service itself says in a conversation, in words for a 70-year-old."""

from datetime import datetime

from backend.clock import SHANGHAI
from backend.consortium.directory import Org

WEEKDAYS = "一二三四五六日"
CALL_120 = "您刚才说的可能很急：请马上拨打 120，不要等医生在这里回复。"
RECALLED = "已撤回一条消息"
PREVIEWS = {"image": "[图片]", "voice": "[语音]", "form": "[填好的表]", "card": "[预约]"}
CANT_SEE = "程序看不懂照片，也听不了语音。请用文字写，或点「转人工」，医生看得到。"
FOLDED = "您有一条消息里的字句可能不合适，医生看到时是折叠的，可以点开。消息没有丢。"
SEEN_BEFORE = "先前的危险信号（原话已撤回或太早）：{names}"

FOR_WHOM = "给谁挂号？"
NOBODY_YET = "挂号要先添加就诊人（姓名和证件）。添加好了，再回来说「挂号」。"
ABOUT_ANOTHER = "这次咨询是给{name}问的。给别人挂号，请回到「在线咨询」，选好人再开始问。"
NO_PLACE = "现在没有找到{department}的空号。可以到「找医生」看别的日子、别的医院，或者排候补。"
PLACES = "找到这些号，点一个，先给您留 {minutes} 分钟："
OTHER_TIER = "{tier}现在没有空号，别处有这些号，点一个，先给您留 {minutes} 分钟："
KEPT = "这个号给您留着：{place}。请在 {until} 前点「去确认」，过时号会放回去。"
NOT_KEPT = "这个号没有留成：{why}"
TO_PLANS = "点「用药计划」，照处方或药盒写下来，家人和医生都看得到。"
TIERS = {"county": "县医院", "township": "乡镇卫生院", "village": "村卫生室"}


def preview(kind: str, body: str) -> str:
    """One line for lists."""
    line = " ".join(body.split())
    if kind in ("image", "voice"):
        return PREVIEWS[kind] + line
    return line or PREVIEWS.get(kind, "")


def filled(text: str, org: Org | None) -> str:
    """An answer about the service with what the county knows. What it does not know is not made
    up: people are told whom to ask."""
    unknown = "请到医院窗口问"
    facts = {
        "place": org.name if org else "医院",
        "hours": (org.hours if org else "") or f"没有写，{unknown}",
        "phone": (org.phone if org else "") or unknown,
        "address": (org.address if org else "") or f"没有写，{unknown}",
    }
    for name, value in facts.items():
        text = text.replace("{" + name + "}", value)
    return text


def moment(at: datetime) -> str:
    """`11月24日周二 上午8:00`."""
    local = at.astimezone(SHANGHAI)
    half = "上午" if local.hour < 12 else "下午" if local.hour < 18 else "晚上"
    day = f"{local.month}月{local.day}日周{WEEKDAYS[local.weekday()]}"
    return f"{day} {half}{local.hour}:{local.minute:02d}"
