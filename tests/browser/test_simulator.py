"""政策模拟 in Chromium: a period is replayed, and its result can be read by everybody."""

import contextlib
import secrets
import sqlite3
from datetime import timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from backend import clock
from tests.browser.accessible import axe
from tests.browser.pictures import picture
from tests.browser.service import Service
from tests.browser.staff import COUNTY, DESK, PHONE, Desk, Desks, insert
from tests.browser.test_every_staff_page import WIDER

pytestmark = pytest.mark.browser


def an_appointment_of_yesterday(service: Service) -> None:
    token = service.log_in(f"user-{secrets.token_hex(6)}")
    schedule, _, _ = service.book(token, service.add_patient(token, "王桂兰"))
    day = str(clock.today() - timedelta(days=1))
    with contextlib.closing(sqlite3.connect(service.database, timeout=10)) as other, other:
        for table, column in (("schedule", "id"), ("appointment", "schedule_id")):
            other.execute(
                f"UPDATE {table} SET held_on = ? WHERE {column} = ?", (day, schedule["id"])
            )


def test_from_the_start_to_the_result(desk: Desks, service: Service) -> None:
    an_appointment_of_yesterday(service)
    admin = desk("consortium_admin")
    watch_and_cancel(admin, service)
    admin.open("/simulator").fill("给签约居民留", "100")
    admin.choose("放号办法", "抽签").tap("开始模拟")
    admin.sees("谁得到了号：现在 → 改后")
    admin.sees("下载表格（CSV）")
    looks_well(admin, "simulator-result")
    admin.page.reload()
    admin.sees("谁得到了号：现在 → 改后")
    admin.tap("改一改，再算一次").sees("你最近的模拟")
    expect(admin.page.get_by_label("给签约居民留", exact=False)).to_have_value("100")
    looks_well(admin, "simulator-again")


def watch_and_cancel(desk: Desk, service: Service) -> None:
    """One on which another process works, as far as the table tells."""
    run_id, now = uuid4(), clock.now()
    insert(service.database, "simulation", {
        "id": run_id, "consortium_id": COUNTY, "staff_id": desk.staff_id, "state": "running",
        "from_on": str(clock.today()), "to_on": str(clock.today()), "variant": '{"share":30}',
        "percent": 40, "failure": "", "started_at": now, "beat_at": now + timedelta(hours=1),
    })  # fmt: skip
    desk.open(f"/simulator/{run_id}").sees("正在算，已完成 40%")
    looks_well(desk, "simulator-running")
    with contextlib.closing(sqlite3.connect(service.database, timeout=10)) as other, other:
        other.execute("UPDATE simulation SET percent = 70 WHERE id = ?", (str(run_id),))
    desk.sees("正在算，已完成 70%")
    desk.tap("取消模拟").sees("模拟已取消")
    looks_well(desk, "simulator-cancelled")


def looks_well(desk: Desk, name: str) -> None:
    for size in (PHONE, DESK):
        desk.resize(size)
        picture(desk.page, "staff", f"{name}-{size['width']}")
        assert axe(desk.page) == []
        assert not desk.page.evaluate(WIDER)
