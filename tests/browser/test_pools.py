"""A rule with its preview at the desk, and a doctor who books for a resident with a phone."""

import re
from collections.abc import Callable
from uuid import uuid4

from playwright.sync_api import expect

from backend import clock
from tests.browser.accessible import axe
from tests.browser.phone import Phone
from tests.browser.pictures import picture
from tests.browser.service import Service
from tests.browser.staff import COUNTY, DESK, PHONE, Desks, ask, insert, organization_id

Phones = Callable[..., Phone]
DOCTOR, HOSPITAL = "10001", "DXRM"


def test_an_administrator_tries_a_rule_out_and_keeps_it(desk: Desks) -> None:
    admin = desk("institution_admin", HOSPITAL, size=PHONE).open("/pools")
    admin.tap("新增规则").is_at("/pools/new")
    admin.choose("号源池", "现场号").fill("比例", "10").choose("号别", "普通号")
    admin.page.get_by_label("机构").select_option(index=1)
    admin.fill("提前几天开放", "0").fill("提前几天回流", "1").tap("试算")
    admin.sees("现场号当天才能回流")
    admin.fill("提前几天回流", "0").tap("试算")
    for split in (r"公开号\s+27\s", r"现场号\s+3\s"):
        expect(admin.page.locator(".tried tr").filter(has_text=re.compile(split))).to_be_visible()
    for size in (PHONE, DESK):
        admin.resize(size)
        assert axe(admin.page) == []
        picture(admin.page, "staff", f"pool-tried-{size['width']}")
    admin.tap("保存规则").is_at("/pools")
    admin.sees("规则已保存")
    admin.page.get_by_role("link", name="停用").first.click()
    admin.tap("停用").is_at("/pools")
    admin.sees("规则已设好停用日期")


def test_a_doctor_books_for_a_resident_whose_phone_shows_it(
    desk: Desks, phone: Phones, service: Service
) -> None:
    me = phone(agreed=True)
    token = me.log_in("王桂兰")
    patient = service.ask(token, "GET", "/patients")["items"][0]["id"]
    (doctor,) = ask(service.database, "SELECT id FROM practitioner WHERE code = ?", DOCTOR)[0]
    contract = {
        "id": uuid4(), "consortium_id": COUNTY, "patient_id": patient, "practitioner_id": doctor,
        "organization_id": organization_id(service, HOSPITAL), "package": "基础包",
        "from_on": clock.today().isoformat(), "created_at": clock.now(),
    }  # fmt: skip
    insert(service.database, "family_doctor_contract", contract)
    gp = desk("doctor", HOSPITAL, doctor=DOCTOR, size=PHONE).open("/contracts")
    gp.page.locator(f"a[href$='/contracts/{patient}/book']").click()
    gp.page.locator(".ways a").first.click()
    for size in (PHONE, DESK):
        gp.resize(size)
        assert axe(gp.page) == []
        picture(gp.page, "staff", f"contract-book-{size['width']}")
    gp.page.locator(".card").last.get_by_role("button").first.click()
    gp.tap("约这个号").is_at("/contracts")
    gp.sees("约好了：王*兰")
    (found,) = service.ask(token, "GET", "/appointments")["items"]
    assert found["status"] == "booked"
    me.open("appointments").sees("已预约")
    me.open(f"patient?id={patient}").sees("家庭医生：")
