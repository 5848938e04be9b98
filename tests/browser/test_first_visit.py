"""From the first visit to booked, moved and cancelled: as a resident does it, in both modes."""

import re
from collections.abc import Callable

import pytest

from tests.browser.phone import Phone
from tests.processes import until

FREE = re.compile("余号|仅剩")
VISIT = re.compile(r"已预约.*王\*兰", re.DOTALL)
TOLD = {"预约成功", "预约改好了", "预约已取消"}
AGREED = re.compile("我已看并同意说明")


def add_oneself(me: Phone, *, elder: bool) -> None:
    """The form at once, or one question at a time."""
    me.is_at("patient-new").tap("本人")
    if elder:
        me.tap("下一步")
    me.fill("姓名", "王桂兰")
    if elder:
        me.tap("下一步")
    me.fill("居民身份证号码", me.service.new_id_number())
    if elder:
        me.tap("下一步")
    me.tap(AGREED).tap("好，添加" if elder else "添加")


@pytest.mark.parametrize("elder", [False, True], ids=["normal", "elder"])
def test_from_the_first_visit_to_booked_moved_and_cancelled(
    phone: Callable[..., Phone], elder: bool
) -> None:
    me = phone(new=not elder).open()  # nothing of it was ever loaded
    if elder:
        me.tap("换成长辈模式，字更大")
    me.tap("看隐私协议，开始使用").is_at("privacy").tap("我看过了，同意").is_at("home")

    me.tap("预约看病").is_at("find").tap("头晕")
    me.sees("最早能约的")
    me.tap(re.compile(r"周.*(上午|下午)")).is_at("doctor")
    me.tap(FREE).is_at("confirm").tap("添加就诊人")
    add_oneself(me, elder=elder)

    me.is_at("confirm").sees("王*兰")
    me.tap("就约这个" if elder else "留号，下一步")
    if not elder:
        me.sees("号已经给您留住了")
        me.tap("确认预约")
    me.tap("允许")
    me.sees("预约成功")
    me.tap("看我的预约").is_at("appointments")

    me.tap(VISIT).is_at("appointment").tap("改时间").is_at("move")
    me.button(re.compile("有号")).last.click()  # of today there may be nothing left but this one
    me.tap(FREE).tap("确定改时间").is_at("appointment")
    me.tap("取消预约")
    me.sees("确定取消吗？")
    me.tap("确定取消")
    me.sees("已取消")

    token = me.log_in()
    until(lambda: TOLD <= {one["title"] for one in me.service.ask(token, "GET", "/inbox")["items"]})
    me.open("inbox")
    for told in TOLD:
        me.sees(told)
