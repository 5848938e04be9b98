"""Pure: notices in words that a 70-year-old understands, and the page that each one leads to."""

from dataclasses import dataclass
from datetime import datetime

from backend.booking.places import Place
from backend.clock import SHANGHAI

WEEKDAYS = "一二三四五六日"
SOMEBODY = "一位就诊人"  # whose name the reader may not, or no longer, know

APPOINTMENT, PATIENT, DATA, WAITS, STANDING, DRAW, MEDICINES = (
    "pages/appointment/appointment",
    "pages/patient/patient",
    "pages/my-data/my-data",
    "pages/waitlist/waitlist",
    "pages/standing/standing",
    "pages/draw/draw",
    "pages/medicines/medicines",
)


@dataclass(frozen=True, slots=True)
class Words:
    """`page`: a page of the mini-program; None: nowhere to go."""

    title: str
    text: str
    page: str | None


def of_appointment(
    kind: str,
    name: str,
    place: Place,
    *,
    by_provider: bool,
    reason: str,
    until: datetime | None = None,
) -> Words:
    """Something that happened to an appointment. `place` is the one that it is about; `until`: how
    long it is held, UTC, None where that is over or was never so."""
    what = f"{name}，{_when(place.starts_at)}，{place.organization}{place.department}"
    doctor = f"（{place.practitioner}医生）" if place.practitioner else ""
    if kind == "booked":
        where = f"到{place.location}就诊。" if place.location else ""
        how = f"{reason}：" if by_provider and reason else ""
        text = f"{how}{what}{doctor}。{where}请带身份证件，提前 15 分钟到。"
        return Words("预约成功", text, APPOINTMENT)
    if kind == "offered":
        why = f"{reason}。" if reason else ""
        when = f"在{_when(until)}前" if until else "尽快"
        how = f"请{when}打开确认，过时号会放回去；不要也请点一下。"
        text = f"{why}给您留了一个号：{what}{doctor}。{how}"
        return Words("给您留了一个号", text, APPOINTMENT)
    if kind == "moved":
        return Words("预约改好了", f"改到：{what}{doctor}。原来的时间不用去了。", APPOINTMENT)
    if kind == "hold_expired":
        text = f"{what}。没有在限定的时间里确认，号已放回。还要看病，请重新预约。"
        return Words("没有预约成功", text, APPOINTMENT)
    if kind == "stopped":
        why = f"原因：{reason}。" if reason else ""
        next_ = "给您留了别的号，会另发消息；没有收到，请重新预约。"
        text = f"{what}{doctor}停诊，不用去了。{why}不算您取消。{next_}"
        return Words("医生停诊，原来的号取消了", text, APPOINTMENT)
    if kind == "restored":
        text = f"{what}{doctor}。停诊取消了，请照原来的时间去；停诊后给您留的号已收回。"
        return Words("停诊取消了，原来的号恢复了", text, APPOINTMENT)
    if kind == "offer_lapsed":
        text = (
            f"{what}{doctor}。没有在限定的时间里确认，号已放回。"
            "还在候补的会继续排队，有号再告诉您；不在候补的，请重新预约。"
        )
        return Words("留的号没有确认", text, APPOINTMENT)
    if by_provider:
        why = f"原因：{reason}。" if reason else ""
        text = f"{what}{doctor}。{why}这次不算您取消，请重新预约。"
        return Words("医院取消了预约", text, APPOINTMENT)
    return Words("预约已取消", f"{what}{doctor}。不用去了。", APPOINTMENT)


def of_carer(kind: str, name: str | None) -> Words:
    """Something about who acts for whom; `name` None: not the reader's to know."""
    whom = name or SOMEBODY
    words = {
        "carer_asks": (
            "有人申请代办",
            f"有人想替{whom}看病办事。请看看是不是家里人，再决定同意还是拒绝。",
        ),
        "carer_joined": ("家人接受了邀请", f"受邀请的家人现在可以帮{whom}了，能做哪些事，点开看。"),
        "carer_allowed": ("代办申请通过了", f"您现在可以帮{whom}了，能做哪些事，点开看。"),
        "carer_refused": ("代办申请没有通过", "您申请代办的家人没有同意。有疑问，请和家人联系。"),
        "carer_left": ("有家人不再代办", f"有一位家人不再替{whom}办事了。"),
        "carer_ended": ("代办已被解除", f"您不再替{whom}办事。有疑问，请和家人联系。"),
    }
    title, text = words[kind]
    return Words(title, text, PATIENT if name else None)


def of_wait(kind: str, name: str | None) -> Words:
    """A wait that came to nothing."""
    whom = name or SOMEBODY
    if kind == "wait_missed":
        text = f"{whom}的候补已结束：给留的号几次都没有确认。还要看病，可以重新预约或再候补。"
    else:
        text = f"{whom}的候补已到期，没有等到号。还要看病，请重新预约，或看看附近的乡镇卫生院。"
    return Words("候补结束了", text, WAITS)


def of_appeal(kind: str, name: str | None) -> Words:
    """How an appeal ended; `name` None: not the reader's to know."""
    whom = name or SOMEBODY
    words = {
        "appeal_granted": (
            "申诉通过了",
            f"{whom}的申诉通过了，这一次不算了；因此受到的限制也重新算过。",
        ),
        "appeal_refused": (
            "申诉没有通过",
            f"{whom}的申诉没有通过，原因点开看。还有疑问，请到医院窗口问。",
        ),
    }
    title, text = words[kind]
    return Words(title, text, STANDING if name else None)


def of_plan(kind: str, name: str | None) -> Words:
    """What a doctor has written or planned; `name` None: not the reader's to know."""
    whom = name or SOMEBODY
    page = MEDICINES if name else None
    if kind == "plan_follow_up":
        text = f"{whom}的随访，医生定好了，哪天点开看。到期提醒还没有开通，请记下日子。"
        return Words("医生定了随访", text, page)
    if kind == "plan_stopped":
        return Words(
            "医生停用了用药计划", f"{whom}有一种药不用再吃了，哪一种、为什么，点开看。", page
        )
    text = f"{whom}的用药计划，医生写好或改过了，请点开看。到点提醒还没有开通，请照医嘱按时服药。"
    return Words("医生写了用药计划", text, page)


def of_draw(name: str | None) -> Words:
    """No place was left for an entry."""
    text = f"{name or SOMEBODY}这次没有摇中。没有摇完的号会转为公开预约，也可以看看别的医生。"
    return Words("摇号没有摇中", text, DRAW)


def of_device(device: str) -> Words:
    """The account was used somewhere new."""
    where = f"（{device}）" if device else ""
    text = f"您的账号在另一部手机{where}上登录了。不是您本人，请马上让它退出登录。"
    return Words("新手机登录", text, DATA)


def _when(at: datetime) -> str:
    """`11月24日周二 上午8:00`."""
    local = at.astimezone(SHANGHAI)
    half = "上午" if local.hour < 12 else "下午" if local.hour < 18 else "晚上"
    weekday = WEEKDAYS[local.weekday()]
    return f"{local.month}月{local.day}日周{weekday} {half}{local.hour}:{local.minute:02d}"
