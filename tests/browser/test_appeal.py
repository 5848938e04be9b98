"""An appeal from the hand to the desk and back: written, granted, told, no longer counted."""

import contextlib
import sqlite3

from tests.browser.service import Service
from tests.browser.staff import DESK, PHONE, Desks
from tests.browser.test_booking import Phones


def test_a_no_show_is_questioned_and_excused(service: Service, phone: Phones, desk: Desks) -> None:
    me = phone(agreed=True, elder=True)
    token = me.log_in("王桂兰")
    patient = service.ask(token, "GET", "/patients")["items"][0]["id"]
    _, _, booked = service.book(token, patient, tier="county")
    # As the evening's job would have left it, had the day been over.
    with contextlib.closing(sqlite3.connect(service.database, timeout=10)) as other, other:
        other.execute("UPDATE appointment SET status = 'no_show' WHERE id = ?", (booked,))
    me.open(f"standing?id={patient}").is_at("standing").sees("爽约（约了没来）")
    me.page.get_by_role("button", name="申诉").first.click()
    me.fill("为什么", "那天来过，机器没有读出来").tap("交给医院")
    me.sees("申诉中，等医院决定")

    admin = desk("consortium_admin", size=PHONE).open("/appeals")
    admin.page.get_by_role("link", name="处理王*兰").first.click()
    admin.sees("那天来过")
    admin.page.get_by_label("同意：这次不算").check()
    admin.fill("给居民的答复", "窗口有记录，算错了").tap("提交决定")
    admin.resize(DESK).tap("提交决定").sees("没有待处理的申诉")
    me.page.reload()
    me.sees("申诉通过，不算了")
    me.sees("窗口有记录，算错了")
    me.sees("没有。约了都来了")
