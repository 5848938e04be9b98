"""What may be refused about surveys. Texts say what to do next."""

from backend.errors import Conflict


class NotAnswerable(Conflict):
    """The visit has not been, or was too long ago. Carries `days`."""

    code = "not-answerable"
    title = "现在不能评价"
    detail = "只能评价最近看过的病。有意见请到医院窗口或打医院电话。"


class AlreadyAnswered(Conflict):
    """Carries `appointment_id`: a phone that retries after a lost reply treats it as success."""

    code = "already-answered"
    title = "已经评价过"
    detail = "这次就诊已经评价过了，谢谢。每次就诊只评价一次。"
