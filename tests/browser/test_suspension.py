"""停诊 from the desk to the hand: a day is stopped, a phone takes what is kept, one is called."""

import re
from collections.abc import Callable

from playwright.sync_api import Browser, expect

from tests.browser.accessible import axe
from tests.browser.phone import Phone
from tests.browser.service import Service
from tests.browser.staff import PHONE, Desk, ask

Phones = Callable[..., Phone]
NOT_TOLD = "还没通知到"


def test_a_day_is_stopped_and_nobody_is_dropped(
    phone: Phones, service: Service, browser: Browser
) -> None:
    me = phone(agreed=True)
    token = me.log_in("王桂兰")
    patient = service.ask(token, "GET", "/patients")["items"][0]["id"]
    doctor = ask(service.database, "SELECT id FROM practitioner WHERE code = '10001'")[0][0]
    schedule, slot, mine = service.book(token, patient, several=True, practitioner=doctor)
    service.take(slot["id"] if slot["free"] > 1 else other_slot(service, schedule, slot))

    desk = Desk(browser, service, "institution_admin", "DXRM", size=PHONE)
    desk.open("/suspensions").tap("停诊").is_at("/suspensions/new")
    desk.page.get_by_label("医生").select_option(value=doctor)
    desk.page.get_by_label("从哪一天").fill(schedule["held_on"])
    desk.page.get_by_label("时段").select_option(value=schedule["period"])
    desk.tap("看看影响到谁").sees("影响到 2 人")
    desk.fill("停诊原因", "医生临时外出").tap("停诊")
    expect(desk.page.get_by_role("button", name="返回")).to_be_focused()
    desk.tap("确定停诊").sees("已停诊，不再接受预约")
    expect(desk.page.get_by_text(NOT_TOLD, exact=True)).to_have_count(2)

    assert axe(desk.page) == []

    me.open("home").sees("给王*兰留了一个号")
    me.open(f"appointment?id={mine}").sees("医院停诊：医生临时外出")
    me.sees("给您留的号")
    me.sees(re.compile("留到 .*还剩"))
    assert axe(me.page) == []
    me.tap("确认这个号").is_at("appointment").sees("已预约")
    desk.page.reload()
    desk.sees("已改约")
    desk.sees("小程序里看到")
    expect(desk.page.get_by_text(NOT_TOLD, exact=True)).to_have_count(1)

    desk.page.get_by_role("button", name=re.compile("^已电话通知")).click()
    desk.sees("电话通知")
    expect(desk.page.get_by_text(NOT_TOLD, exact=True)).to_have_count(0)
    assert desk.faults == []
    desk.close()


def other_slot(service: Service, schedule: dict[str, str], slot: dict[str, str]) -> str:
    """Another open slot of the schedule."""
    found = service.find("/slots", schedule=schedule["id"])["items"]
    return str(next(o["id"] for o in found if o["state"] == "open" and o["id"] != slot["id"]))
