"""What may be refused on the day. Texts say what to do next."""

from backend.errors import Conflict


class CheckinNotOpen(Conflict):
    """Carries `opens_at`, UTC."""

    code = "checkin-not-open"
    title = "还没到签到时间"
    detail = "还没到签到时间，请晚一点再来签到。"


class CheckinClosed(Conflict):
    """The schedule has ended or is stopped."""

    code = "checkin-closed"
    title = "不能签到了"
    detail = "这个班次已经结束或停诊，不能签到了。需要看病，请到窗口问一问。"


class CodeRefused(Conflict):
    """Forged, too old, or of another place: not told apart."""

    code = "checkin-code-refused"
    title = "这个码不能用"
    detail = "这个码过期了，或者不是这里的。请扫屏幕上最新的码，或者到窗口签到。"


class AlreadyCheckedIn(Conflict):
    """Carries `number`: a phone that retries treats it as success."""

    code = "already-checked-in"
    title = "已经签到"
    detail = "已经签到了，不用再签，请在候诊区等叫号。"


class NobodyWaiting(Conflict):
    code = "nobody-waiting"
    title = "没有人在等"
    detail = "现在没有签到候诊的患者。"


class LineMoved(Conflict):
    """Somebody was quicker. Carries `state`."""

    code = "line-moved"
    title = "队列已有变化"
    detail = "这位患者的状态刚刚变了，请看最新的队列。"


class NoWalkInPlace(Conflict):
    """Carries `reason`: `none_kept` or `all_taken`."""

    code = "no-walk-in-place"
    title = "没有现场号"
    detail = "这个班次的现场号已经用完，请看别的班次，或帮患者预约。"
