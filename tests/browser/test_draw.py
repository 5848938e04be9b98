"""A draw from the desk to the hand: announced, entered, taken back, entered again."""

from datetime import timedelta

from playwright.sync_api import Browser

from backend import clock
from tests.browser.service import Service
from tests.browser.staff import Desk
from tests.browser.test_booking import Phones

OPEN = timedelta(minutes=70)  # an hour at least, however late in the day it is


def test_a_resident_takes_part_in_a_draw(browser: Browser, service: Service, phone: Phones) -> None:
    me = phone(agreed=True, elder=True)
    me.log_in("王桂兰")
    desk = Desk(browser, service, "institution_admin", "DXRM").open("/draws/new")
    choice = desk.page.get_by_label("班次")
    choice.select_option(index=choice.locator("option").count() - 1)  # released last
    end = (clock.now() + OPEN).astimezone(clock.SHANGHAI)
    desk.fill("哪天截止", f"{end:%Y-%m-%d}").fill("几点截止", f"{end:%H:%M}")
    desk.tap("公布").tap("公布").sees("居民现在可以报名")
    draw = desk.page.url.rpartition("/")[2].partition("?")[0]
    me.open(f"draw?id={draw}").is_at("draw").tap("报名").sees("等开奖")
    desk.page.reload()
    desk.sees("1 人")
    me.tap("王*兰退出").sees("退出了")
    me.tap("报名").sees("等开奖")

    # A list that changes by itself while the question stands must not swallow the deed.
    desk.fill("原因", "设错了").tap("作废")
    desk.page.evaluate("document.querySelector('form[action$=void]').remove()")
    desk.tap("作废").sees("照常放号")
    assert desk.faults == []
    desk.close()
