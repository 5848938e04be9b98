"""What may be refused about draws. Texts say what to do next."""

from backend.errors import Conflict, Malformed


class DrawClosed(Conflict):
    """Registration has not begun, or is over. Carries `opens_at` and `closes_at`, UTC."""

    code = "draw-closed"
    title = "现在不能报名"
    detail = "现在不是报名时间。没有摇中的号会转为公开预约，也可以看看别的医生。"


class EnteredAlready(Conflict):
    code = "draw-entered"
    title = "已经报过名"
    detail = "这位就诊人已经报名，每人只有一个签，不用再报。"


class NotEntered(Conflict):
    code = "draw-not-entered"
    title = "没有报名"
    detail = "这位就诊人没有报名，或已经退出。"


class DrawFull(Conflict):
    """Carries `most`."""

    code = "draw-full"
    title = "报名人数已满"
    detail = "报名人数已到上限，请看看别的日子或别的医生。"


class NotDrawable(Conflict):
    """The schedule is released already, stopped, or has a draw."""

    code = "not-drawable"
    title = "这个班次不能摇号"
    detail = "只有还没放号、没有停诊、也没有设过摇号的班次才能摇号。"


class DrawOver(Conflict):
    code = "draw-over"
    title = "已经开奖或作废"
    detail = "这次摇号已经开奖或作废，不能再改。"


class DrawTimes(Malformed):
    """Carries `latest_at`, UTC: the release of the schedule."""

    code = "draw-times"
    title = "报名时间不对"
    detail = "报名至少要开放一小时，并且要在放号时间之前截止。"
