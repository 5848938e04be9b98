"""What may be refused about appointments. Texts say what to do next."""

from backend.errors import Conflict, NotAllowed


class SlotFull(Conflict):
    code = "slot-full"
    title = "号已约满"
    detail = "这个时段刚刚约满了，请换一个时段，或看看附近的乡镇卫生院。"


class BookingClosed(Conflict):
    """Too late, stopped, or not open at all."""

    code = "booking-closed"
    title = "已停止预约"
    detail = "这个时段已停止预约，请换一个时段。"


class NotYetOpen(Conflict):
    """Carries `opens_at`, UTC."""

    code = "booking-not-open"
    title = "还没有放号"
    detail = "这一天的号还没有放出来，请到放号时间再来。"


class ByDraw(Conflict):
    """The schedule's places are drawn by lot, and the draw is not over."""

    code = "by-draw"
    title = "这个班次要摇号"
    detail = "这个班次的号用摇号的办法放出，请先报名，等开奖。"


class AlreadyBooked(Conflict):
    """Carries `appointment_id`: a phone that retries after a lost reply treats it as success."""

    code = "already-booked"
    title = "已经约过"
    detail = "这位就诊人在这个班次已有预约，不用重复预约。"


class TooManyInDepartment(Conflict):
    """Carries `most`."""

    code = "department-limit"
    title = "当天同科室已达上限"
    detail = "这位就诊人当天在这个科室的预约已达上限，请换一天或换个科室。"


class TooManyThatDay(Conflict):
    """Carries `most`."""

    code = "day-limit"
    title = "当天预约已达上限"
    detail = "这位就诊人当天的预约已达上限，请换一天。"


class Restricted(NotAllowed):
    """Carries `until` (UTC), `cause`, `patient_id`. Never bars general, township, village care."""

    code = "expert-restricted"
    title = "暂时不能约专家号"
    detail = "因为近期爽约或取消较多，暂时不能预约专家号；普通号、乡镇卫生院和村卫生室不受影响。"


class HoldExpired(Conflict):
    code = "hold-expired"
    title = "保留时间已过"
    detail = "为您保留的号已超过确认时间，请重新选择时段。"


class NotPossibleNow(Conflict):
    """The state does not allow it. Carries `state`."""

    code = "not-possible-now"
    title = "现在不能这样做"
    detail = "这个预约现在的状态不能这样操作，请刷新后再看。"


class TooLateToMove(Conflict):
    """Carries `free_until`, UTC."""

    code = "too-late-to-move"
    title = "已过改约时间"
    detail = "已过免费取消的时间，不能再改约；如果确实来不了，请取消预约。"


class TooManyMoves(Conflict):
    """Carries `most`."""

    code = "moves-limit"
    title = "改约次数已用完"
    detail = "这个预约的改约次数已用完，请取消后重新预约。"


class SameSlot(Conflict):
    code = "same-slot"
    title = "时段没有变化"
    detail = "您选的就是原来的时段，请选别的时段。"


class TooManyKept(Conflict):
    """Carries `share`: percent of the places that the pools would keep together."""

    code = "pool-share-too-large"
    title = "号源比例合计超过 100%"
    detail = "和其他在用的规则加起来超过了全部号源，请先停用或调低别的规则。"
