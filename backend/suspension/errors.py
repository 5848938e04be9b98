"""What may be refused about suspensions."""

from backend.errors import Conflict


class NothingToStop(Conflict):
    """All of it is over, or nothing is published there."""

    code = "nothing-to-stop"
    title = "没有可以停的班次"
    detail = "选的日期里没有还没结束的班次，请换一天或换一位医生。"


class TooMuchAtOnce(Conflict):
    """Carries `most`."""

    code = "too-much-at-once"
    title = "一次停的班次太多"
    detail = "一次停的班次太多了，请分几次办理。"


class TooLateToUndo(Conflict):
    """Carries `until`, UTC."""

    code = "too-late-to-undo"
    title = "已过撤销时间"
    detail = "停诊超过 10 分钟，不能再撤销；请用加号或重新排班，并电话告知患者。"
