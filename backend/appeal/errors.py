"""What may be refused about appeals. Texts say what to do next."""

from backend.errors import Conflict


class NothingToAppeal(Conflict):
    """It counts for nothing, or not any more."""

    code = "nothing-to-appeal"
    title = "不用申诉"
    detail = "这个预约没有记爽约，或已经不算了，不用申诉。"


class AppealTooLate(Conflict):
    """Carries `until`, UTC."""

    code = "appeal-too-late"
    title = "已过申诉时间"
    detail = "只能在 30 天内申诉。还有疑问，请到医院窗口或打医院电话。"


class AlreadyAppealed(Conflict):
    """Carries `appeal_id` and `state`."""

    code = "already-appealed"
    title = "已经申诉过"
    detail = "这个预约已经申诉过，每个预约只能申诉一次，请看申诉的结果。"


class AlreadyDecided(Conflict):
    """Carries `state`."""

    code = "already-decided"
    title = "已有决定"
    detail = "这个申诉已经有决定了，请刷新后再看。"
