"""What may be refused to staff about conversations and duty. Texts say what to do next."""

from backend.errors import Conflict


class ClaimedByOther(Conflict):
    """Another doctor has claimed the conversation."""

    code = "claimed-by-other"
    title = "已有医生接诊"
    detail = "这位居民的咨询已有别的医生接诊，请刷新列表。"


class CallUndone(Conflict):
    """It can't be closed before the call on the list is done. Carries `call_id`."""

    code = "call-undone"
    title = "还没打电话"
    detail = "这位居民在电话名单上，请先打电话并记下结果，再结束咨询。"


class ReadFirst(Conflict):
    """The resident has written what the doctor had not seen when they ended it."""

    code = "read-first"
    title = "居民刚写了新消息"
    detail = "居民刚写了新消息，请先看一看、答复，再结束咨询。"


class CallDone(Conflict):
    """Somebody has made the call already."""

    code = "call-done"
    title = "电话已打过"
    detail = "这个电话已有人打过并记下结果，请刷新名单。"


class NoPatientYet(Conflict):
    """The conversation is about nobody in particular yet."""

    code = "no-patient"
    title = "还不知道是给谁看病"
    detail = "居民还没有选就诊人，请先请对方在小程序里选好就诊人。"


class DutyClash(Conflict):
    """The doctor is on leave, or on call elsewhere, at that time."""

    code = "duty-clash"
    title = "值班时间冲突"
    detail = "这位医生那段时间在休假或已有值班，请换一位医生或换个时间。"


class DutyChanged(Conflict):
    """Somebody else has saved the same hours, or numbers, since they were read."""

    code = "duty-changed"
    title = "刚被别人改过"
    detail = "这里刚被别人改过，您的还没有存。您填的都在下面；请和现在的对照，再存一次。"


class AlreadyDecided(Conflict):
    """Somebody else has dealt with the question meanwhile. Carries `state`."""

    code = "question-decided"
    title = "已经处理过"
    detail = "这个问题已有人处理，请刷新列表。"
