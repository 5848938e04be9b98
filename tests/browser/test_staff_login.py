"""The first day of an administrator, on a phone and at a desk: in with a password from paper."""

import re

from playwright.sync_api import expect

from backend import clock
from backend.staff import passwords, totp
from tests.browser.accessible import axe
from tests.browser.pictures import picture
from tests.browser.service import Service
from tests.browser.staff import DESK, PHONE, Desks, add_staff
from tests.browser.test_every_staff_page import WIDER

PASSWORD = "rain river lamp"


def test_the_first_log_in(desk: Desks, service: Service) -> None:
    name, one_time = "zhoumin", passwords.one_time()
    add_staff(
        service, "institution_admin", "DXRM", name="周敏", username=name, must_change=1,
        password_hash=passwords.hasher.hash(one_time), totp_sealed=None, totp_confirmed_at=None,
    )  # fmt: skip
    new = desk(size=PHONE)
    new.open("/people")  # not logged in: it comes back here in the end
    new.fill("用户名", name).fill("密码", "wrong").tap("下一步")
    new.sees("用户名或密码不正确")
    expect(new.page.get_by_label("用户名")).to_have_value(name)
    new.fill("密码", one_time).tap("下一步")

    new.sees("绑定验证器")
    assert new.page.locator("img.qr").evaluate("image => image.naturalWidth") > 100
    for size in (PHONE, DESK):
        new.resize(size)
        picture(new.page, "staff", f"enrol-{size['width']}")
        assert (axe(new.page), new.page.evaluate(WIDER)) == ([], 0)
    new.page.get_by_text("不能扫码").click()
    key = re.sub(r"\s", "", new.page.locator("code.key").inner_text())
    new.fill("6 位动态码", totp.code_at(key, clock.now())).page.keyboard.press("Enter")

    new.sees("现在的密码是别人替您设的")
    new.page.get_by_label("现在的密码").fill(one_time)
    new.page.get_by_label("新密码", exact=True).fill("hospital")
    new.page.get_by_label("再输一遍新密码").fill("hospital")
    new.tap("保存新密码")
    new.sees("密码至少要 10 个字符")
    new.page.get_by_label("现在的密码").fill(one_time)
    new.page.get_by_label("新密码", exact=True).fill(PASSWORD)
    new.page.get_by_label("再输一遍新密码").fill(PASSWORD)
    new.tap("保存新密码")

    new.is_at("/people").sees("密码已修改")
    new.tap("退出")
    new.is_at("/login").open("/people").sees("工作人员登录")


def test_a_deed_asks_first_and_escape_takes_it_back(desk: Desks, service: Service) -> None:
    colleague = add_staff(service, "doctor", "DXRM", name="蔡明秋", doctor="10013")
    admin = desk("institution_admin", "DXRM").open(f"/people/{colleague}")
    admin.tap("停用账号")
    admin.sees("停用 蔡明秋 的账号？")
    picture(admin.page, "staff", "dialog")
    assert axe(admin.page) == []
    expect(admin.page.get_by_role("button", name="返回")).to_be_focused()
    admin.page.keyboard.press("Escape")
    expect(admin.page.locator("dialog[open]")).to_have_count(0)
    admin.tap("停用账号").tap("停用")
    admin.sees("账号已停用")


def test_the_menu_of_a_phone_by_keyboard(desk: Desks) -> None:
    admin = desk("institution_admin", "DXRM", size=PHONE).open("/")
    link = admin.page.get_by_role("navigation").get_by_role("link", name="工作人员", exact=True)
    expect(link).to_be_hidden()
    admin.page.get_by_role("button", name="菜单").focus()
    admin.page.keyboard.press("Enter")
    expect(link).to_be_visible()
    picture(admin.page, "staff", "menu")
    link.focus()
    admin.page.keyboard.press("Enter")
    admin.is_at("/people")
