"""What may be refused about schedules. Texts say what to do next."""

from backend.errors import Conflict


class CapacityBelowBooked(Conflict):
    """Carries `booked`, the places taken in the fullest slot, `starts_at` (UTC) and `schedule_id`:
    whoever wants fewer has to suspend the schedule, which looks after the patients."""

    code = "capacity-below-booked"
    title = "号数少于已约人数"
    detail = "这个时段已约的人比新的号数多。要减少已约的号，请办理停诊，由系统为患者另作安排。"


class NeedsSuspension(Conflict):
    """Carries `booked`: so many patients hold places on the day that is to be closed."""

    code = "needs-suspension"
    title = "已有人预约"
    detail = "这一天已有人预约，不能直接停诊。请办理停诊，由系统通知患者并另作安排。"


class ScheduleClash(Conflict):
    """Carries `clashes`: for each, both schedules in words and the minutes that are missing."""

    code = "schedule-clash"
    title = "排班时间冲突"
    detail = "医生的排班时间冲突，请改时间或改日期。"


class NotOnDuty(Conflict):
    """The doctor has no role in that department on that day."""

    code = "not-on-duty"
    title = "医生不在该科室执业"
    detail = "这位医生当天在该科室没有执业点，请先登记执业点或安排专家下沉。"


class TemplateChanged(Conflict):
    """Somebody else changed or ended the template meanwhile."""

    code = "template-changed"
    title = "模板已有变化"
    detail = "这个模板刚刚被改过或停用了，请刷新后再改。"


class ScheduleOver(Conflict):
    """It has begun, or is over: nothing about it is changed any more."""

    code = "schedule-over"
    title = "班次已开始"
    detail = "这个班次已经开始或结束，不能再改。"
