"""People: a known mother is asked first, an invitation is used once, a child needs a guardian."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.phone import Phone
from tests.browser.service import Service

Phones = Callable[..., Phone]
CARD = re.compile(r"^王\*兰")
VISIT = re.compile(r"已预约.*王\*兰", re.DOTALL)


def add_mother(me: Phone, number: str, relation: str) -> None:
    me.open("patient-new").tap(relation)
    me.fill("姓名", "王桂兰").fill("居民身份证号码", number)
    me.sees(re.compile("^1954年3月12日出生"))
    me.tap(re.compile("我已看并同意说明")).tap("添加")


def test_a_daughter_books_for_her_mother_as_long_as_she_may(
    phone: Phones, service: Service
) -> None:
    """Asked for, let in, used, seen by both, and ended: on two phones."""
    mother, daughter = phone(agreed=True, elder=True), phone(agreed=True)
    number = service.new_id_number()
    form = {"name": "王桂兰", "id_number": number, "relation": "self", "agreed": True}
    service.ask(mother.log_in(), "POST", "/patients", json=form)

    add_mother(daughter, number, "父亲或母亲")
    daughter.sees("王*兰已经有人登记过")
    daughter.tap("知道了").is_at("patients")
    daughter.sees("等家人同意")

    mother.open("patients").tap(CARD).is_at("patient")
    mother.sees("对方还没有登记自己的姓名")
    mother.sees("对方说是：王*兰的子女")
    mother.tap("同意…").tap("同意，请对方帮忙")
    mother.sees("已同意")
    daughter.open("patients").tap(CARD).is_at("patient")
    daughter.sees("您能办的事：能看、能预约，一直有效")

    schedule, slot = service.open_slot()
    daughter.open(f"confirm?schedule={schedule['id']}&slot={slot['id']}").is_at("confirm")
    daughter.tap("留号，下一步").tap("确认预约").tap("取消")  # WeChat's question
    daughter.sees("预约成功")
    (booked,) = service.ask(daughter.log_in(), "GET", "/appointments")["items"]
    for one in (daughter, mother):
        one.open("appointments").tap(VISIT).is_at("appointment")
        assert booked["id"] in one.page.url

    mother.open("my-data").tap(re.compile("^谁看过记录"))
    for done in ("预约", "确认预约", "看了一个预约"):
        words = mother.page.get_by_text(re.compile(rf"^{done}(\(\d+ 次\))?$"))
        entry = mother.shown.locator(".entry", has=words)
        expect(entry.get_by_text("家人（子女）").first).to_be_visible()

    mother.open("patients").tap(CARD).is_at("patient")
    mother.tap("不再让子女帮忙").tap("不再帮忙")
    expect(mother.button("不再让子女帮忙")).to_have_count(0)

    daughter.tap("取消预约")  # on a page that was open all the while
    daughter.sees("没有找到")
    daughter.open("appointments").sees("还没有预约")
    daughter.open(f"appointment?id={booked['id']}").sees("没有找到")
    daughter.tap("回首页").is_at("home")
    headers = {"authorization": f"Bearer {daughter.log_in()}"}
    url = f"{service.url}/api/v1/appointments/{booked['id']}"
    assert service.http.get(url, headers=headers).status_code == 404
    mother.open("appointments").tap(VISIT).is_at("appointment")


@pytest.mark.parametrize("elder", [False, True], ids=["normal", "elder"])
def test_an_invitation_goes_to_one_family_member_only(phone: Phones, elder: bool) -> None:
    mother = phone(agreed=True, elder=elder)
    mother.log_in("王桂兰")
    mother.open("patients").tap(CARD).is_at("patient")
    mother.tap("请家人帮忙").tap("生成邀请码")
    mother.sees("只能用一次")
    code = mother.page.locator("[class*=code]").inner_text().strip()

    daughter = phone(agreed=True, elder=elder).open(f"carer-invite?code={code}")
    daughter.sees("王*兰（本人）")
    daughter.sees("王*兰是您的")
    daughter.tap("父亲或母亲").tap("接受，帮家人").sees("您可以帮王*兰了")
    phone(agreed=True, elder=elder).open(f"carer-invite?code={code}").sees("邀请码无效")


def test_an_invitation_is_taken_back(phone: Phones) -> None:
    mother = phone(agreed=True)
    mother.log_in("王桂兰")
    mother.open("patients").tap(CARD).is_at("patient")
    mother.tap("请家人帮忙").tap("生成邀请码")
    code = mother.page.locator("[class*=code]").inner_text().strip()
    mother.tap("关闭").tap(re.compile("^收回.*发的邀请")).tap("收回")
    expect(mother.shown.get_by_text("邀请码，还没人用")).to_have_count(0)

    stranger = phone().open("carer-invite")
    stranger.fill("邀请码", code).tap("看看是谁请我")
    stranger.tap("看隐私协议").tap("我看过了，同意").is_at("carer-invite")
    stranger.sees("邀请码不正确、已用过或已过期，请家人重新发一个。")


def test_back_takes_a_sheet_away_and_then_the_page(phone: Phones) -> None:
    me = phone(agreed=True)
    me.log_in("王桂兰")
    me.open("patients").tap(CARD).is_at("patient")
    sheet = me.shown.get_by_role("dialog")
    for _ in range(2):
        me.tap("请家人帮忙")
        expect(sheet).to_be_visible()
        me.page.go_back()
        expect(sheet).to_have_count(0)
        me.is_at("patient")
    me.page.go_back()
    me.is_at("patients")
    me.page.go_forward()
    me.is_at("patient")


def test_a_wrong_digit_is_said_at_once_and_never_sent(phone: Phones) -> None:
    me = phone(agreed=True, elder=True)
    sent: list[str] = []
    me.page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    me.open("patient-new").tap("本人").tap("下一步")
    me.fill("姓名", "王桂兰").tap("下一步")
    number = me.service.new_id_number()
    wrong = number[:10] + str((int(number[10]) + 1) % 10) + number[11:]
    me.fill("居民身份证号码", wrong)
    me.sees("身份证号码里有一位不对，请对照身份证再看一遍。")
    me.tap("下一步")
    me.sees("身份证号码是多少？")
    me.fill("居民身份证号码", number).tap("下一步")
    me.sees("最后看一看")
    assert not [one for one in sent if one.startswith("POST") and one.endswith("/patients")]
    me.tap(re.compile("我已看并同意说明")).tap("好，添加")
    me.is_at("patients").sees("王*兰")


def test_a_child_is_added_after_the_guardian(phone: Phones) -> None:
    me = phone(agreed=True)
    me.open("patient-new").tap("儿子或女儿").fill("姓名", "李小宝")
    me.fill("居民身份证号码", me.service.new_id_number(birth="20200203"))
    me.tap(re.compile("我是监护人")).tap("添加")
    me.sees("添加孩子之前，请先添加您本人。")
    me.tap("先添加我本人")
    me.fill("姓名", "李大山").fill("居民身份证号码", me.service.new_id_number())
    me.tap(re.compile("我已看并同意说明")).tap("添加")
    expect(me.shown.get_by_role("textbox", name="姓名")).to_have_value("李小宝")  # back again
    me.tap("添加").is_at("patients")
    me.sees("李*宝")
    me.sees("未成年")


def test_care_is_found_with_and_without_the_place(phone: Phones) -> None:
    me = phone(agreed=True).open("find")
    me.tap("按远近排").tap("拒绝")
    me.sees("没有用位置，下面按医院级别排")
    me.tap("头晕")
    me.sees("找到了和“头晕”有关的：")
    expect(me.shown.get_by_text(re.compile("约 .* 公里"))).to_have_count(0)
    me.tap("清空")
    me.sees("最近找过")

    near = phone(agreed=True).open("find")
    near.tap("按远近排").tap("允许")
    near.sees(re.compile(r"约 \d+ 米|约 [\d.]+ 公里"))
    near.tap("头晕")
    near.sees("最早能约的")
    near.tap("清空").fill("找医生", "没有这种病")
    near.sees("换个说法试试")
    near.tap("看全部医院和卫生室")
    near.sees("稻溪县人民医院")


def test_from_a_symptom_to_a_time_in_three_taps(phone: Phones) -> None:
    me = phone(agreed=True, elder=True)
    me.log_in("王桂兰")
    me.open("find").tap("头晕")
    me.sees("最早能约的")
    me.tap(re.compile("上午|下午")).is_at("doctor")
    me.tap(re.compile("余号|仅剩")).is_at("confirm")
    me.sees("王*兰")
