"""Pure: what residents read about their wait, and the words of codes."""

from datetime import datetime

from backend.clock import SHANGHAI

OUTCOMES = {
    "answered": "已答复",
    "booked": "已预约",
    "advised_visit": "建议就诊",
    "referred": "转诊",
    "emergency": "已转急救",
    "unreachable": "无法联系",
    "no_doctor": "无需医生",
    "other": "其他",
}
NEEDLESS = "no_doctor"
LEVELS = {
    "contract": "家庭医生",
    "team": "家庭医生团队",
    "township": "卫生院值班医生",
    "county": "县医院值班医生",
    "worklist": "机构管理员",
}
PRIORITIES = {"I": "濒危", "II": "危重", "III": "急症", "IV": "非急症"}
CALL_OUTCOMES = {
    "reached": "已接通",
    "ambulance": "已叫 120",
    "no_answer": "无人接听",
    "wrong_number": "号码不对",
    "refused": "不需要帮助",
}
CALL_AGAIN = frozenset({"no_answer"})  # these leave it on the list
CLOSED = "这次咨询已结束（{outcome}）。48 小时内再发消息，会重新转给医生。请给这次服务评个分。"
CLAIMED = "{doctor}医生已看到您的咨询，正在回复。"
MOVED = {
    "not_taken": "还没有医生接诊。",
    "silent": "接诊的医生暂时没有回复。",
}  # why it goes on, by the reason of the event; other reasons are the staff's own
NOBODY_YET = "现在没有值班医生在线，{whom}会安排人联系您。"
SAFETY_NETS = {
    "I": "请马上拨打 120。不要等医生在这里回复。",
    "II": "如果加重，或出现胸痛、喘不上气、说不清话、昏倒，马上拨打 120，不要等回复。",
    "III": "如果加重，请马上去最近的医院急诊，或拨打 120，不要等回复。",
    "IV": "如果加重，请直接去卫生院或医院看病；情况紧急拨打 120。",
}


def handed_over(
    level: str, name: str | None, due_at: datetime, priority: str, reason: str = ""
) -> str:
    """What the conversation says when it goes to people, or from people to people."""
    why = MOVED.get(reason, "")
    if level == "worklist":
        return f"{why}{NOBODY_YET.format(whom=LEVELS[level])}{SAFETY_NETS[priority]}"
    whom = f"{LEVELS[level]}{name or ''}"
    return f"{why}已转给{whom}，最迟 {clock_time(due_at)} 前答复。{SAFETY_NETS[priority]}"


def clock_time(at: datetime) -> str:
    here = at.astimezone(SHANGHAI)
    return f"{here.month}月{here.day}日 {here:%H:%M}"


def expected(position: int, minutes: int | None, due_at: datetime | None) -> str:
    """Position and expected time, honestly: an estimate is called one."""
    ahead = f"前面还有 {position - 1} 位。" if position > 1 else "您排在第一位。"
    if minutes is not None:
        return f"{ahead}估计 {span(minutes)}内有人答复（按最近的答复时间估计，不是保证）。"
    if due_at is not None:
        return f"{ahead}最迟 {clock_time(due_at)} 前答复。"
    return ahead


def span(minutes: int) -> str:
    if minutes < 60:
        return f"{max(1, minutes)} 分钟"
    return f"{-(-minutes // 60)} 小时"


def safety_net(priority: str, triage: object) -> str:
    """What to do if it gets worse: the bot's own words for this case first."""
    told = triage.get("safety_net") if isinstance(triage, dict) else None
    usual = SAFETY_NETS[priority]
    return f"{told}{usual}" if isinstance(told, str) and told and told != usual else usual
