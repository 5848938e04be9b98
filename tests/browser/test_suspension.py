"""停诊 from the desk to the hand: a day is stopped, a phone takes what is kept, one is called."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.accessible import axe
from tests.browser.phone import Phone
from tests.browser.service import Service
from tests.browser.staff import PHONE, Desks, ask

Phones = Callable[..., Phone]
NOT_TOLD = "还没通知到"


def test_a_day_is_stopped_and_nobody_is_dropped(
    phone: Phones, service: Service, desk: Desks
) -> None:
    me = phone(agreed=True)
    token = me.log_in("王桂兰")
    patient = service.ask(token, "GET", "/patients")["items"][0]["id"]
    doctor = ask(service.database, "SELECT id FROM practitioner WHERE code = '10001'")[0][0]
    schedule, slot, mine = service.book(token, patient, several=True, practitioner=doctor)
    service.take(slot["id"] if slot["free"] > 1 else other_slot(service, schedule, slot))

    admin = desk("institution_admin", "DXRM", size=PHONE)
    admin.open("/suspensions").tap("停诊").is_at("/suspensions/new")
    admin.page.get_by_label("医生").select_option(value=doctor)
    admin.page.get_by_label("从哪一天").fill(schedule["held_on"])
    admin.page.get_by_label("时段").select_option(value=schedule["period"])
    admin.tap("看看影响到谁").sees("影响到 2 人")
    admin.fill("停诊原因", "医生临时外出").tap("停诊")
    expect(admin.page.get_by_role("button", name="返回")).to_be_focused()
    admin.tap("确定停诊").sees("已停诊，不再接受预约")
    expect(admin.page.get_by_text(NOT_TOLD, exact=True)).to_have_count(2)

    assert axe(admin.page) == []

    me.open("home").sees("给王*兰留了一个号")
    me.open(f"appointment?id={mine}").sees("医院停诊：医生临时外出")
    me.sees("给您留的号")
    me.sees(re.compile("留到 .*还剩"))
    assert axe(me.page) == []
    me.tap("确认这个号").is_at("appointment").sees("已预约")
    admin.page.reload()
    admin.sees("已改约")
    admin.sees("小程序里看到")
    expect(admin.page.get_by_text(NOT_TOLD, exact=True)).to_have_count(1)

    admin.page.get_by_role("button", name=re.compile("^已电话通知")).click()
    admin.sees("电话通知")
    expect(admin.page.get_by_text(NOT_TOLD, exact=True)).to_have_count(0)


def other_slot(service: Service, schedule: dict[str, str], slot: dict[str, str]) -> str:
    """Another open slot of the schedule."""
    found = service.find("/slots", schedule=schedule["id"])["items"]
    return str(next(o["id"] for o in found if o["state"] == "open" and o["id"] != slot["id"]))
