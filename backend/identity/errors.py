"""What may be refused about people."""

from backend.errors import Conflict, Malformed, NotAllowed


class TooManyPatients(Conflict):
    code = "too-many-patients"
    title = "就诊人已满"
    detail = "就诊人数量已达上限，请先移除不再需要的就诊人。"


class TooManyCarers(Conflict):
    """Carries `most`. Requests that wait count too: whoever consents must be able to see them."""

    code = "too-many-carers"
    title = "家人和申请已满"
    detail = (
        "能替这位就诊人办事的家人，加上等待同意的申请，已达上限。请对方先拒绝或解除一些，再试。"
    )


class AlreadyAdded(Conflict):
    """Carries `patient_id`: a phone that retries treats it as success."""

    code = "patient-already-added"
    title = "已经添加过"
    detail = "这位就诊人已经在您的名单里了。"


class IdentityMismatch(Malformed):
    code = "identity-mismatch"
    title = "姓名与证件不符"
    detail = "姓名与证件号码对不上，请对照证件再核对一遍。"


class SelfAlreadyAdded(Conflict):
    code = "self-already-added"
    title = "本人已添加"
    detail = "您已经添加过“本人”，请为这位就诊人选择别的关系。"


class GuardianNeeded(NotAllowed):
    """A minor is added by an adult who has given their own real name first."""

    code = "guardian-needed"
    title = "需要监护人"
    detail = "未满 18 周岁的就诊人要由监护人添加：请先用“本人”完成您自己的实名，再选与孩子的关系。"


class ConsentMissing(Malformed):
    code = "consent-missing"
    title = "需要您的同意"
    detail = "请先阅读并同意《个人信息处理说明》，再提交。"


class ConsentWithdrawn(NotAllowed):
    code = "consent-withdrawn"
    title = "您撤回了同意"
    detail = "您撤回了对《个人信息处理说明》的同意。要继续使用，请先重新阅读并同意。"


class TermsChanged(Conflict):
    """Carries `version`: the one to read and agree to."""

    code = "terms-changed"
    title = "说明有更新"
    detail = "《个人信息处理说明》有更新，请看过新的内容再同意。"


class HasAppointments(Conflict):
    """Carries `appointment_ids`."""

    code = "has-appointments"
    title = "还有未完成的预约"
    detail = "这位就诊人还有未完成的预约，请先取消预约，再移除。"


class InvitationWrong(Malformed):
    code = "invitation-wrong"
    title = "邀请码无效"
    detail = "邀请码不正确、已用过或已过期，请家人重新发一个。"


class NotYours(NotAllowed):
    code = "self-cannot-be-removed"
    title = "不能移除本人"
    detail = "不能移除就诊人本人的账号。"


class NotYourself(NotAllowed):
    code = "not-yourself"
    title = "请用本人的微信"
    detail = "请用登录这个账号的微信来操作。"


class AlreadyContracted(Conflict):
    code = "already-contracted"
    title = "已有家庭医生"
    detail = "这位居民已经签了家庭医生，换医生请先解除原来的签约。"


class DoctorElsewhere(Conflict):
    code = "doctor-elsewhere"
    title = "医生不在这家机构"
    detail = "这位医生今天不在这家机构执业，请换一位医生或机构。"
