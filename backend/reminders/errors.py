"""What may be refused about plans. Texts say what to do next."""

from backend.errors import Conflict, NotAllowed


class PlanChanged(Conflict):
    """Somebody has changed the plan since it was read. Carries `version` and `current`."""

    code = "plan-changed"
    title = "计划刚被改过"
    detail = "这个计划刚被别人改过，请看一看现在的内容，再决定要不要改。"


class PlanEnded(Conflict):
    """The plan is over; a new one is begun instead."""

    code = "plan-ended"
    title = "计划已经停用"
    detail = "这个计划已经停用了。要接着用，请新建一个。"


class TooManyPlans(Conflict):
    """The patient has as many plans in use as one may. Carries `most`."""

    code = "too-many-plans"
    title = "计划太多了"
    detail = "在用的计划太多了，请先停用不再吃的药。"


class ChangedTooOften(Conflict):
    """A plan keeps every version, and has as many as it may. Carries `most`."""

    code = "plan-changed-too-often"
    title = "改的次数太多"
    detail = "这个计划改的次数太多了，请停用它，另外新建一个。"


class WrittenBefore(Conflict):
    """The form has made a plan already, with other words; one more is made by a form of its own."""

    code = "plan-written-before"
    title = "刚才已经写好"
    detail = "这张表刚才已经写好一个计划，和现在填的不一样。要另写一个，请再点一次。"


class WrittenByDoctor(NotAllowed):
    """What a doctor wrote, a resident may end, not rewrite."""

    code = "written-by-doctor"
    title = "医生写的计划"
    detail = "这是医生写的计划，要改请问医生。已经不吃了，可以停用。"


class FollowUpOver(Conflict):
    """Somebody has closed the follow-up meanwhile. Carries `state`."""

    code = "follow-up-over"
    title = "这次随访已处理"
    detail = "这次随访刚才已经有人处理了，请刷新名单。"
