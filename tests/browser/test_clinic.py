"""The whole day of a clinic, walked: phones, the desk, the doctor, the screen on the wall."""

import re
from collections.abc import Callable

from playwright.sync_api import WebSocket, expect

from tests.browser.accessible import axe
from tests.browser.clinic import CODE, a_clinic_now
from tests.browser.phone import Phone
from tests.browser.service import Service
from tests.browser.staff import DESK, PHONE, Desks

Phones = Callable[..., Phone]


def test_the_whole_day_of_a_clinic(phone: Phones, service: Service, desk: Desks) -> None:
    """The one at the desk begins with a phone in the hand."""
    clinic = a_clinic_now(service)
    granny, uncle = phone(agreed=True, elder=True), phone(agreed=True)
    sockets: list[WebSocket] = []
    granny.page.on("websocket", lambda opened: sockets.append(opened))
    visits = []
    for one, name in ((granny, "王桂兰"), (uncle, "李大牛")):
        token = one.log_in(name)
        patient = service.ask(token, "GET", "/patients")["items"][0]["id"]
        visits.append(clinic.expects(token, patient))

    nurse = desk("institution_admin", CODE, size=PHONE)
    nurse.open("/clinic").page.locator(f"a[href$='{clinic.schedule_id}']").click()
    nurse.is_at(clinic.path).sees("未签到（2）")

    # The uncle shows his number at the desk; the grandmother scans the clinic's code.
    uncle.open(f"queue?id={visits[1]}").tap("出示我的签到码")
    number = uncle.sees(re.compile(r"^\d{4} \d{4}$")).inner_text()
    nurse.fill("扫患者的签到码", number).tap("签到")
    nurse.sees("已签到，1 号")
    screen = desk("institution_admin", CODE)
    screen.open(f"{clinic.path}/code")
    code = screen.page.locator("code.key").inner_text()
    granny.open(f"appointment?id={visits[0]}").tap("签到和候诊").is_at("queue")
    granny.sees("还没签到")
    granny.tap("扫码签到")
    granny.page.get_by_label("二维码里的文字").fill(code)
    granny.tap("确定")
    granny.sees("前面 1 人")
    granny.sees("您是 2 号")
    assert axe(granny.page) == []
    nurse.sees("候诊（2）")  # by itself
    nurse.resize(DESK)
    assert [socket.is_closed() for socket in sockets] == [False], "it need not ask again and again"

    # Somebody walks in.
    nurse.tap("现场挂号").fill("姓名", "孙大圣").fill("证件号码", service.new_id_number())
    nurse.page.get_by_label("已核对证件").check()
    nurse.tap("挂号").sees("挂好了，3 号")
    nurse.tap("回到队列").sees("候诊（3）")

    # Called once, twice, passed over; back again; the next one is called and seen.
    screen.open(f"{clinic.path}/screen").sees("李*牛")
    nurse.fill("诊室", "3 诊室").tap("叫下一位").sees("已叫 1 号")
    uncle.open(f"queue?id={visits[1]}").sees("请到 3 诊室")
    assert axe(uncle.page) == []
    screen.sees("请到 3 诊室")
    expect(screen.page.get_by_text("李大牛")).to_have_count(0)
    nurse.tap("重呼").sees("叫了 2 次")
    uncle.sees("已经叫了 2 次")
    nurse.tap("过号").tap("过号").sees("过号（1）")
    uncle.sees("过号了")
    granny.sees("下一个是您")
    nurse.tap("叫下一位").sees("已叫 2 号")
    granny.sees("请到 3 诊室")
    nurse.tap("回来了，重新排队").sees("已重新排队")
    nurse.tap("进诊室").sees("就诊中")
    granny.sees("正在就诊")
    nurse.tap("完成").tap("完成").sees("已结束 1 位")
    granny.sees("看完了")
    uncle.sees("前面 1 人")
    nurse.open("/clinic/list").sees("当日名单")
    nurse.sees("孙大圣")
