"""The taps that matter most: how to get to each, what it sends, and what it must have done.

Each is made on a phone of somebody new. `token` is the same account on another phone, which no line
keeps from the service.
"""

import re
from typing import Any, ClassVar

from playwright.sync_api import Locator, Route, expect

from backend import errors
from backend.api import problem
from tests.browser.phone import Phone
from tests.processes import until

AGREED = re.compile("已看并同意说明")
FREE = re.compile("余号|仅剩")
NAME = "王桂兰"
MASKED = "王*兰"


def refuse_with(route: Route, found: errors.Problem) -> None:
    """The service's own answer, where it can't be brought to give it."""
    answer = problem.respond(found)
    headers = {name: str(value) for name, value in answer.headers.items()}
    content_type = answer.content_type or ""
    route.fulfill(
        status=answer.status, headers=headers, content_type=content_type, body=answer.body or b""
    )


class Tap:
    sends: ClassVar[str]  # method and path below /api/v1
    button: ClassVar[str]
    busy: ClassVar[str]  # what the button says meanwhile
    again: ClassVar[str]  # what it says after a failure
    keyed: ClassVar[bool] = True  # sent with an idempotency key, and again by itself
    elder: ClassVar[bool] = False
    agreed: ClassVar[bool] = True
    deed: ClassVar[str] = ""  # as the record's audit calls it
    after_conflict: ClassVar[int] = 1  # effects

    token: str
    patient: str

    def __init__(self, phone: Phone) -> None:
        self.phone, self.service = phone, phone.service

    # --- what the taps say of themselves

    def ready(self) -> None:
        """At the page, everything filled in: only the tap is left."""
        raise NotImplementedError

    def tap(self) -> None:
        self.phone.tap(self.button)

    def tap_again(self) -> None:
        self.phone.tap(self.again)

    def kept(self) -> None:
        """What was typed and chosen is there as before."""

    def done(self) -> None:
        """The page says so."""
        raise NotImplementedError

    def effects(self) -> int:
        """How often it was done, as the service knows it."""
        found = self.ask("GET", f"/patients/{self.patient}/accesses?everyone=true&limit=100")
        return sum(one["action"] == self.deed for one in found["items"])

    @classmethod
    def has_conflict_of_its_own(cls) -> bool:
        return cls.conflict is not Tap.conflict

    def conflict(self) -> str:
        """Let something come between; what the page will say."""
        raise NotImplementedError

    def out_of_conflict(self) -> None:
        """By the way that the page shows, until it is done."""
        raise NotImplementedError

    # --- what they share

    @property
    def url(self) -> str:
        return re.escape("/api/v1") + self.sends.partition(" ")[2] + "$"

    def ask(self, method: str, path: str, **options: Any) -> Any:
        return self.service.ask(self.token, method, path, **options)

    def known(self, name: str = NAME) -> None:
        """The account exists, with its own person."""
        self.token = self.phone.log_in()
        self.patient = self.service.add_patient(self.token, name)

    def keys(self) -> list[str]:
        """Of each time it was sent."""
        method, _, path = self.sends.partition(" ")
        return [
            request.headers.get("idempotency-key", "")
            for request in self.phone.asked
            if request.method == method and re.search(f"/api/v1{path}$", request.url)
        ]

    def is_on(self, name: str | re.Pattern[str]) -> None:
        one = self.phone.button(name).first
        expect(one).to_have_attribute("aria-checked", "true")

    def field(self, label: str) -> Locator:
        return self.phone.page.get_by_role("textbox", name=re.compile("^" + label))


class Agree(Tap):
    """The first visit: the log-in and the agreement to the terms are one tap."""

    sends = "POST /login/wechat"
    button = again = "我看过了，同意"
    busy = "正在记下…"
    keyed, agreed = False, False

    def ready(self) -> None:
        self.phone.open("privacy").is_at("privacy")

    def kept(self) -> None:
        self.phone.is_at("privacy")

    def done(self) -> None:
        self.phone.is_at("home").sees("先添加要看病的人")

    def effects(self) -> int:
        self.token = self.phone.log_in()
        decided = self.ask("GET", "/me/consents")["items"]
        return sum(one["purpose"] == "terms" for one in decided)

    def conflict(self) -> str:
        """The terms changed since the page was opened."""

        def earlier(route: Route) -> None:
            answer = route.fetch(headers={})  # whole, even if the phone has it already
            route.fulfill(json=answer.json() | {"version": "2020-1"})

        stop = self.phone.intercept("/api/v1/terms$", earlier)
        self.phone.open("help").open("privacy").is_at("privacy")
        self.phone.sees("2020-1 版")
        stop()
        return "有更新，请看过新的内容再同意"

    def out_of_conflict(self) -> None:
        self.tap_again()
        self.done()


class Register(Tap):
    """A mother, with her real name."""

    sends, button, busy, again = "POST /patients", "添加", "正在提交…", "添加"

    def ready(self) -> None:
        self.token = self.phone.log_in()
        self.number = self.service.new_id_number()
        me = self.phone.open("patient-new").is_at("patient-new").tap("父亲或母亲")
        me.fill("姓名", NAME).fill("居民身份证号码", self.number)
        me.fill("联系电话", "13800138000").tap(AGREED)

    def kept(self) -> None:
        self.is_on("父亲或母亲")
        expect(self.field("姓名")).to_have_value(NAME)
        expect(self.field("居民身份证号码")).to_have_value(self.number)
        expect(self.field("联系电话")).to_have_value("13800138000")
        self.is_on(AGREED)

    def done(self) -> None:
        self.phone.is_at("patients").sees(MASKED)

    def effects(self) -> int:
        return len(self.ask("GET", "/patients")["items"])

    def conflict(self) -> str:
        """Added on the other phone meanwhile."""
        form = {"name": NAME, "id_number": self.number, "relation": "child", "agreed": True}
        self.ask("POST", "/patients", json=form)
        return "已经在您的名单里了"

    def out_of_conflict(self) -> None:
        self.phone.tap("看我的就诊人")
        self.done()


class Hold(Tap):
    sends, button, busy, again = "POST /appointments", "留号，下一步", "正在留号…", "再试一次"
    deed = "appointment.booked"

    def ready(self) -> None:
        self.known()
        self.schedule, self.slot = self.service.open_slot(several=True)
        path = f"confirm?schedule={self.schedule['id']}&slot={self.slot['id']}"
        self.phone.open(path).is_at("confirm")

    def kept(self) -> None:
        self.is_on(re.compile("^王.兰"))

    def done(self) -> None:
        self.phone.sees("号已经给您留住了")

    def conflict(self) -> str:
        self.service.fill(self.slot)
        return "号已约满"

    def out_of_conflict(self) -> None:
        self.phone.sees("这个时间已经不能约了")
        self.phone.shown.get_by_role("radio", name=FREE).first.click()
        self.phone.tap(self.button)
        self.done()


class ElderBook(Hold):
    """One tap, and WeChat's question about reminders."""

    button, busy, elder = "就约这个", "正在预约…", True

    def tap(self) -> None:
        self.phone.tap(self.button).tap("取消")

    def kept(self) -> None:
        self.phone.sees(MASKED)

    def done(self) -> None:
        self.phone.sees("预约成功")

    def out_of_conflict(self) -> None:
        self.phone.sees("这个时间已经不能约了")
        self.phone.shown.get_by_role("radio", name=FREE).first.click()
        self.phone.tap(self.button)  # WeChat has asked already
        self.done()


class Confirm(Hold):
    sends = "POST /appointments/[^/]+/confirm"
    button, busy = "确认预约", "正在确认…"
    deed, after_conflict = "appointment.confirmed", 0

    def ready(self) -> None:
        super().ready()
        self.phone.tap(Hold.button)
        self.phone.sees("号已经给您留住了")

    def tap(self) -> None:
        self.phone.tap(self.button).tap("取消")

    def kept(self) -> None:
        self.phone.sees("号已经给您留住了")
        self.phone.sees(MASKED)

    def done(self) -> None:
        self.phone.sees("预约成功")

    def conflict(self) -> str:
        """The other phone gave the place back."""
        (held,) = self.ask("GET", "/appointments")["items"]
        self.ask("POST", f"/appointments/{held['id']}/cancel", json={"reason": ""})
        return "现在不能这样做"

    def out_of_conflict(self) -> None:
        self.phone.tap("看最新情况").is_at("appointment").sees("已取消")


class Cancel(Tap):
    sends = "POST /appointments/[^/]+/cancel"
    button, busy, again = "确定取消", "正在取消…", "再试一次"
    deed = "appointment.cancelled"

    def ready(self) -> None:
        self.known()
        _, _, self.booked = self.service.book(self.token, self.patient)
        self.phone.open(f"appointment?id={self.booked}").is_at("appointment").tap("取消预约")
        self.phone.sees("确定取消吗？")
        if not self.elder:
            self.phone.tap("好多了")

    def kept(self) -> None:
        if self.elder:
            self.phone.sees("确定取消吗？")
        else:
            self.is_on("好多了")

    def done(self) -> None:
        expect(self.phone.shown.get_by_role("dialog")).to_have_count(0)
        self.phone.sees("已取消")

    def conflict(self) -> str:
        """Cancelled on the other phone."""
        self.ask("POST", f"/appointments/{self.booked}/cancel", json={"reason": ""})
        return "现在不能这样做"

    def out_of_conflict(self) -> None:
        self.phone.tap("看最新情况")
        self.done()


class ElderCancel(Cancel):
    elder = True


class Move(Tap):
    sends = "POST /appointments/[^/]+/reschedule"
    button, busy, again = "确定改时间", "正在改…", "再试一次"
    deed = "appointment.moved"

    def ready(self) -> None:
        self.known()
        schedule, slot, self.booked = self.service.book(self.token, self.patient, several=True)
        others = self.service.find("/slots", schedule=schedule["id"])["items"]
        self.wanted = next(
            one for one in others if one["state"] == "open" and one["id"] != slot["id"]
        )
        self.phone.open(f"move?id={self.booked}").is_at("move")
        self.choose()

    def choose(self) -> None:
        self.phone.tap(FREE)
        self.phone.sees("改到这个时间吗？")

    def kept(self) -> None:
        self.phone.sees("改到这个时间吗？")

    def done(self) -> None:
        self.phone.is_at("appointment").sees("已预约")

    def conflict(self) -> str:
        shown = self.ask("GET", f"/appointments/{self.booked}")
        slots = self.service.find("/slots", schedule=shown["schedule_id"])["items"]
        self.service.fill(
            next(one for one in slots if one["state"] == "open" and one["id"] != shown["slot_id"])
        )
        return "号已约满"

    def out_of_conflict(self) -> None:
        self.phone.tap("看看其他时间").settle()
        # What everybody is shown may be a second old: not the first one again.
        self.phone.button(FREE).last.click()
        self.phone.tap(self.button)
        self.done()


class ElderMove(Move):
    elder = True


class Invite(Tap):
    """A family member is asked to help."""

    sends = "POST /patients/[^/]+/carers"
    button, busy, again = "生成邀请码", "正在生成…", "生成邀请码"
    deed = "carer.invited"

    def ready(self) -> None:
        self.known()
        self.phone.open(f"patient?id={self.patient}").is_at("patient").tap("请家人帮忙")
        self.phone.tap(re.compile("^只能看"))

    def kept(self) -> None:
        self.is_on(re.compile("^只能看"))

    def done(self) -> None:
        self.phone.sees("邀请码做好了")


class Accept(Tap):
    """A code that a family member gave, typed in."""

    sends, button, busy, again = "POST /carers", "接受，帮家人", "正在提交…", "接受，帮家人"

    def ready(self) -> None:
        self.token = self.phone.log_in()
        self.mother = self.service.log_in(f"{self.phone.user}-mother")
        self.her = self.service.add_patient(self.mother, NAME)
        self.code = self.invitation()
        me = self.phone.open("carer-invite").is_at("carer-invite")
        me.fill("邀请码", self.code).tap("看看是谁请我").tap("父亲或母亲")

    def invitation(self) -> str:
        path = f"/patients/{self.her}/carers"
        return str(self.service.ask(self.mother, "POST", path, json={"scope": "book"})["code"])

    def kept(self) -> None:
        self.phone.sees(f"{MASKED}是您的")
        self.is_on("父亲或母亲")

    def done(self) -> None:
        self.phone.sees(f"您可以帮{MASKED}了")

    def effects(self) -> int:
        return len(self.ask("GET", "/patients")["items"])

    def conflict(self) -> str:
        """Another code was accepted on the other phone."""
        form = {"code": self.invitation(), "relation": "child"}
        self.ask("POST", "/carers", json=form)
        return "已经在您的名单里了"

    def out_of_conflict(self) -> None:
        self.phone.tap("看我的就诊人").is_at("patients").sees(MASKED)


class ReadAll(Tap):
    sends = "PUT /inbox/read"
    button, busy, again = "全部标为看过", "正在标…", "全部标为看过"
    keyed = False

    def ready(self) -> None:
        """The message is of a second phone that logged in."""
        self.token = self.phone.log_in()
        self.phone.open("inbox").is_at("inbox")
        until(lambda: self.ask("GET", "/inbox/unread")["unread"] > 0)
        self.phone.page.reload()
        self.phone.settle()
        self.phone.sees("1 条没看")

    def kept(self) -> None:
        self.phone.sees("1 条没看")

    def done(self) -> None:
        self.phone.sees("都看过了")

    def effects(self) -> int:
        return int(self.ask("GET", "/inbox/unread")["unread"] == 0)


class Withdraw(Tap):
    """Consent to the terms is taken back."""

    sends = "POST /me/consents"
    button, busy, again = "撤回同意", "正在撤回…", "撤回同意"

    def ready(self) -> None:
        self.token = self.phone.log_in()
        version = self.service.find("/terms")["version"]
        self.ask("POST", "/me/consents", json={"version": version, "granted": True})
        self.phone.open("my-data?part=consents").is_at("my-data")

    def tap(self) -> None:
        self.phone.tap(self.button).tap("撤回")

    tap_again = tap

    def done(self) -> None:
        self.phone.is_at("home").sees("在家门口，约好医生")

    def effects(self) -> int:
        return sum(not one["granted"] for one in self.ask("GET", "/me/consents")["items"])


class Export(Tap):
    sends = "POST /me/export"
    button, busy, again = "生成文件", "正在准备…", "生成文件"
    keyed, deed = False, "record.exported"

    def ready(self) -> None:
        self.known()
        self.phone.open("my-data?part=export").is_at("my-data")

    def done(self) -> None:
        self.phone.sees("文件做好了")


class Delete(Tap):
    """The account, for good."""

    sends = "POST /me/deletion"
    button, busy, again = "注销账号", "正在注销…", "注销账号"
    keyed = False

    def ready(self) -> None:
        self.known()
        self.phone.open("my-data?part=delete").is_at("my-data").tap("我看明白了，要注销")

    def tap(self) -> None:
        self.phone.tap(self.button).tap("注销")

    tap_again = tap

    def kept(self) -> None:
        self.is_on("我看明白了，要注销")

    def done(self) -> None:
        self.phone.is_at("home").sees("在家门口，约好医生")

    def effects(self) -> int:
        headers = {"authorization": f"Bearer {self.token}"}
        url = f"{self.service.url}/api/v1/me"
        return int(self.service.http.get(url, headers=headers).status_code == 401)

    def conflict(self) -> str:
        """An appointment was made on the other phone, and nobody else looks after it."""
        _, _, self.booked = self.service.book(self.token, self.patient)
        return "还有 1 个预约"

    def out_of_conflict(self) -> None:
        self.phone.tap(re.compile("第 1 个预约")).is_at("appointment")
        self.ask("POST", f"/appointments/{self.booked}/cancel", json={"reason": ""})
        self.phone.page.go_back()
        self.phone.is_at("my-data").tap("我看明白了，要注销")
        self.tap_again()
        self.done()


TAPS: tuple[type[Tap], ...] = (
    Agree, Register, Hold, ElderBook, Confirm, Cancel, ElderCancel, Move, ElderMove, Invite, Accept,
    ReadAll, Withdraw, Export, Delete,
)  # fmt: skip
