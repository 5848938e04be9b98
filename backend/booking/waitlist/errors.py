"""What may be refused about waiting. Texts say what to do next."""

from backend.errors import Conflict, Malformed


class NothingToWaitFor(Malformed):
    """No department or doctor fits what was asked, or there is no waiting list there."""

    code = "nothing-to-wait-for"
    title = "没有可候补的科室"
    detail = "没有找到可以候补的科室或医生，请放宽范围再试。"


class DaysOutOfRange(Malformed):
    """Carries `from_on` and `to_on`: the days for which one may wait."""

    code = "wait-days-out-of-range"
    title = "候补日期不对"
    detail = "候补的日期要从今天起，也不能太远，请重新选日期。"


class StillFree(Conflict):
    """Carries `schedule_id`: what one would wait for can be booked at once."""

    code = "still-free"
    title = "还有号"
    detail = "您要的号现在还有，不用候补，请直接预约。"


class WaitsAlready(Conflict):
    """Carries `entry_id`, and `index`: for which of several people."""

    code = "waits-already"
    title = "已经在候补"
    detail = "这位就诊人已经在候补同样的号，不用再排一次。"


class TooManyWaits(Conflict):
    """Carries `most`, and `index`: for which of several people."""

    code = "waits-limit"
    title = "候补太多"
    detail = "这位就诊人的候补已达上限，请先退出一个再排。"


class WaitOver(Conflict):
    """Carries `state`: it has ended already."""

    code = "wait-over"
    title = "候补已经结束"
    detail = "这个候补已经结束，请刷新后再看。"
