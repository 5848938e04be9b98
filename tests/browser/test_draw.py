"""A draw from the desk to the hand: announced, entered, taken back, entered again."""

from datetime import timedelta

from backend import clock
from tests.browser.staff import Desks
from tests.browser.test_booking import Phones

OPEN = timedelta(minutes=70)  # an hour at least, however late in the day it is


def test_a_resident_takes_part_in_a_draw(desk: Desks, phone: Phones) -> None:
    me = phone(agreed=True, elder=True)
    me.log_in("王桂兰")
    admin = desk("institution_admin", "DXRM").open("/draws/new")
    choice = admin.page.get_by_label("班次")
    choice.select_option(index=choice.locator("option").count() - 1)  # released last
    end = (clock.now() + OPEN).astimezone(clock.SHANGHAI)
    admin.fill("哪天截止", f"{end:%Y-%m-%d}").fill("几点截止", f"{end:%H:%M}")
    admin.tap("公布").tap("公布").sees("居民现在可以报名")
    draw = admin.page.url.rpartition("/")[2].partition("?")[0]
    me.open(f"draw?id={draw}").is_at("draw").tap("报名").sees("等开奖")
    admin.page.reload()
    admin.sees("1 人")
    me.tap("王*兰退出").sees("退出了")
    me.tap("报名").sees("等开奖")

    # A list that changes by itself while the question stands must not swallow the deed.
    admin.fill("原因", "设错了").tap("作废")
    admin.page.evaluate("document.querySelector('form[action$=void]').remove()")
    admin.tap("作废").sees("照常放号")
