"""People: a known mother is asked first, an invitation is used once, a child needs a guardian."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.phone import Phone

Phones = Callable[..., Phone]
CARD = re.compile(r"^王\*兰")


def add_mother(me: Phone, number: str, relation: str) -> None:
    me.open("patient-new").tap(relation)
    me.fill("姓名", "王桂兰").fill("居民身份证号码", number)
    me.sees(re.compile("^1954年3月12日出生"))
    me.tap(re.compile("我已看并同意说明")).tap("添加")


def test_a_daughter_asks_and_her_mother_lets_her_in_and_out(phone: Phones) -> None:
    mother, daughter = phone(agreed=True), phone(agreed=True)
    number = mother.service.new_id_number()
    add_mother(mother, number, "本人")
    mother.is_at("patients")

    add_mother(daughter, number, "父亲或母亲")
    daughter.sees("王*兰已经有人登记过")
    daughter.tap("知道了").is_at("patients")
    daughter.sees("等家人同意")

    mother.tap(CARD).is_at("patient")
    mother.sees("对方说是：王*兰的子女")
    mother.tap("同意…").tap("同意，让 TA 帮忙")
    mother.sees("已同意")
    daughter.open("patients").tap(CARD).is_at("patient")
    daughter.sees("您能办的事：能看、能预约，一直有效")

    mother.tap("不再让子女帮忙").tap("不再帮忙")
    expect(mother.button("不再让子女帮忙")).to_have_count(0)
    daughter.page.reload()
    daughter.sees("这位不在您的就诊人里了")


@pytest.mark.parametrize("elder", [False, True], ids=["normal", "elder"])
def test_an_invitation_goes_to_one_family_member_only(phone: Phones, elder: bool) -> None:
    mother = phone(agreed=True, elder=elder)
    mother.log_in("王桂兰")
    mother.open("patients").tap(CARD).is_at("patient")
    mother.tap("请家人帮忙").tap("生成邀请码")
    mother.sees("只能用一次")
    code = mother.page.locator("[class*=code]").inner_text().strip()

    for user, said in (
        (phone(agreed=True), "您可以帮王*兰办事了"),
        (phone(agreed=True), "邀请码无效"),
    ):
        user.open(f"carer-invite?code={code}").tap("父亲或母亲").tap("接受，帮家人")
        user.sees(said)


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
    expect(me.shown.get_by_text("添加孩子之前")).to_have_count(0)
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
