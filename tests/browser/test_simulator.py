"""政策模拟 in Chromium: a period is replayed, and its result can be read by everybody."""

import contextlib
import secrets
import sqlite3
from datetime import timedelta

import pytest
from playwright.sync_api import Browser

from backend import clock
from tests.browser.service import Service
from tests.browser.staff import DESK, PHONE, Desk
from tests.browser.test_every_page import axe
from tests.browser.test_every_staff_page import WIDER, picture

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def _yesterday(service: Service) -> None:
    """An appointment of yesterday."""
    token = service.log_in(f"user-{secrets.token_hex(6)}")
    schedule, _, _ = service.book(token, service.add_patient(token, "王桂兰"))
    day = str(clock.today() - timedelta(days=1))
    with contextlib.closing(sqlite3.connect(service.database, timeout=10)) as other, other:
        for table, column in (("schedule", "id"), ("appointment", "schedule_id")):
            other.execute(
                f"UPDATE {table} SET held_on = ? WHERE {column} = ?", (day, schedule["id"])
            )


@pytest.mark.usefixtures("_yesterday")
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_the_result_is_there_for_everybody(browser: Browser, service: Service, size: dict) -> None:
    desk = Desk(browser, service, "consortium_admin", size=size)
    desk.open("/simulator").fill("给签约居民留", "100")
    desk.choose("放号办法", "抽签").tap("开始模拟")
    desk.sees("谁得到了号：现在 → 改后")
    desk.sees("下载表格（CSV）")
    picture(desk.page, f"simulator-result-{size['width']}")
    assert axe(desk.page) == []
    assert not desk.page.evaluate(WIDER)
    assert desk.faults == []
    desk.close()
