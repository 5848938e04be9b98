"""The first day of an administrator, on a phone and at a desk: in with a password from paper."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from backend import clock
from backend.staff import passwords, totp
from tests.browser.accessible import axe
from tests.browser.pictures import picture
from tests.browser.service import Service
from tests.browser.staff import DESK, PHONE, Desk, add_staff
from tests.browser.test_every_staff_page import WIDER

PASSWORD = "rain river lamp"


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_the_first_log_in(size: Any, browser: Browser, service: Service) -> None:
    name, one_time = f"zhou{size['width']}", passwords.one_time()
    add_staff(
        service, "institution_admin", "DXRM", name="周敏", username=name, must_change=1,
        password_hash=passwords.hasher.hash(one_time), totp_sealed=None, totp_confirmed_at=None,
    )  # fmt: skip
    desk = Desk(browser, service, size=size)
    desk.open("/people")  # not logged in: it comes back here in the end
    desk.fill("用户名", name).fill("密码", "wrong").tap("下一步")
    desk.sees("用户名或密码不正确")
    expect(desk.page.get_by_label("用户名")).to_have_value(name)
    desk.fill("密码", one_time).tap("下一步")

    desk.sees("绑定验证器")
    assert desk.page.locator("img.qr").evaluate("image => image.naturalWidth") > 100
    picture(desk.page, "staff", f"enrol-{size['width']}")
    assert (axe(desk.page), desk.page.evaluate(WIDER)) == ([], 0)
    desk.page.get_by_text("不能扫码").click()
    key = re.sub(r"\s", "", desk.page.locator("code.key").inner_text())
    desk.fill("6 位动态码", totp.code_at(key, clock.now())).page.keyboard.press("Enter")

    desk.sees("现在的密码是别人替您设的")
    desk.page.get_by_label("现在的密码").fill(one_time)
    desk.page.get_by_label("新密码", exact=True).fill("hospital")
    desk.page.get_by_label("再输一遍新密码").fill("hospital")
    desk.tap("保存新密码")
    desk.sees("密码至少要 10 个字符")
    desk.page.get_by_label("现在的密码").fill(one_time)
    desk.page.get_by_label("新密码", exact=True).fill(PASSWORD)
    desk.page.get_by_label("再输一遍新密码").fill(PASSWORD)
    desk.tap("保存新密码")

    desk.is_at("/people").sees("密码已修改")
    desk.tap("退出")
    desk.is_at("/login").open("/people").sees("工作人员登录")
    assert desk.faults == []
    desk.close()


def test_a_deed_asks_first_and_escape_takes_it_back(browser: Browser, service: Service) -> None:
    colleague = add_staff(service, "doctor", "DXRM", name="蔡明秋", doctor="10013")
    desk = Desk(browser, service, "institution_admin", "DXRM").open(f"/people/{colleague}")
    desk.tap("停用账号")
    desk.sees("停用 蔡明秋 的账号？")
    picture(desk.page, "staff", "dialog")
    assert axe(desk.page) == []
    expect(desk.page.get_by_role("button", name="返回")).to_be_focused()
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator("dialog[open]")).to_have_count(0)
    desk.tap("停用账号").tap("停用")
    desk.sees("账号已停用")
    assert desk.faults == []
    desk.close()


def test_the_menu_of_a_phone_by_keyboard(browser: Browser, service: Service) -> None:
    desk = Desk(browser, service, "institution_admin", "DXRM", size=PHONE).open("/")
    link = desk.page.get_by_role("navigation").get_by_role("link", name="工作人员", exact=True)
    expect(link).to_be_hidden()
    desk.page.get_by_role("button", name="菜单").focus()
    desk.page.keyboard.press("Enter")
    expect(link).to_be_visible()
    picture(desk.page, "staff", "menu")
    link.focus()
    desk.page.keyboard.press("Enter")
    desk.is_at("/people")
    assert desk.faults == []
    desk.close()
