"""A conversation from the first words to the rating: the resident's phone and the doctor's desk.

Whoever is on call at this hour of the real clock, the doctor of the resident's own institution sees
it: so the walk does not depend on when it is walked.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from backend import clock
from tests import xss
from tests.browser.accessible import axe
from tests.browser.phone import Phone
from tests.browser.pictures import picture
from tests.browser.service import Service
from tests.browser.staff import COUNTY, PHONE, Desk, ask, change, insert, organization_id
from tests.browser.test_every_staff_page import SMALL, TARGET_PX, WIDER, keyboard
from tests.processes import until

Phones = Callable[..., Phone]
CODE, DOCTOR = "WSY01", "30101"


@pytest.fixture(scope="module")
def doctor(browser: Browser, service: Service) -> Iterator[Desk]:
    """许嘉禾 of a township centre, at a phone as most family doctors are."""
    desk = Desk(browser, service, "doctor", CODE, name="许嘉禾", doctor=DOCTOR, size=PHONE)
    yield desk
    desk.close()
    assert desk.faults == []


def contract(service: Service, patient: str) -> None:
    """Of the patient with that doctor."""
    found = ask(service.database, "SELECT id FROM practitioner WHERE code = ?", DOCTOR)
    row = {
        "id": uuid4(), "consortium_id": COUNTY, "patient_id": UUID(patient), "package": "基础包",
        "practitioner_id": found[0][0], "organization_id": organization_id(service, CODE),
        "from_on": str(date(2026, 1, 1)), "created_at": clock.now(),
    }  # fmt: skip
    insert(service.database, "family_doctor_contract", row)


def a_resident(me: Phone, name: str = "王桂兰") -> str:
    """With a contract; at the beginning of a conversation. Returns the token."""
    token = me.log_in()
    contract(me.service, me.service.add_patient(token, name))
    me.open("chats").tap("开始问").is_at("chat")
    return token


def types(me: Phone, text: str) -> None:
    me.page.get_by_role("textbox", name=re.compile("^写给")).locator("visible=true").fill(text)


def is_seen_typing(me: Phone, desk: Desk, text: str) -> bool:
    """A phone says it once in a few seconds only, and may just have said it."""
    types(me, text)
    return desk.page.get_by_text("对方正在输入…").is_visible()


def write(me: Phone, text: str) -> Phone:
    types(me, text)
    return me.tap("发送")


def latest(me: Phone, token: str) -> str:
    return str(me.service.ask(token, "GET", "/conversations")["items"][0]["id"])


def test_a_danger_is_seen_at_once_and_somebody_calls(
    phone: Phones, doctor: Desk, service: Service
) -> None:
    me = phone(agreed=True)
    token = a_resident(me, "赵德福")
    write(me, "我胸口剧痛，压得喘不上气，还出冷汗")
    me.sees("可能很急，别等")
    expect(
        me.shown.locator(".alarm-card").get_by_role("button", name="拨打急救电话 120")
    ).to_be_visible()
    talk = latest(me, token)
    [(priority, red)] = ask(
        service.database, "SELECT priority, red_flag FROM conversation WHERE id = ?", UUID(talk)
    )
    assert (priority, red) == ("I", 1)
    me.tap("知道了，看对话")
    expect(me.page.get_by_text("可能很急，别等")).to_have_count(0)

    doctor.open("/chats/calls")
    card = doctor.page.locator("section.card", has=doctor.page.locator(f"a[href*='{talk}']"))
    card.get_by_role("button", name="看电话号码").click()
    expect(
        doctor.page.get_by_text("没有留电话").or_(doctor.page.locator("a[href^='tel:']")).first
    ).to_be_visible()
    card.get_by_text("已接通").click()
    card.get_by_role("button", name="记下结果").click()
    doctor.sees("已记下")
    expect(card).to_have_count(0)
    doctor.open(f"/chats/{talk}").sees("危险信号")
    doctor.sees("分诊摘要")


def test_from_the_question_to_the_rating(
    phone: Phones, doctor: Desk, service: Service, tmp_path: Any
) -> None:
    me, desk = phone(agreed=True), doctor
    desk.open("/chats")
    desk.tap("新消息响一声：关").tap("新消息响一声：开")
    before = desk.page.title()
    token = a_resident(me)
    write(me, "头疼三天了")
    bot = me.page.get_by_text("分诊程序（不是医生）").locator("visible=true")
    expect(bot).to_have_count(2)  # the greeting, and what it asks back
    me.tap("转人工").sees("已转给医生，请等一等")
    talk = latest(me, token)

    # The list changes by itself, and says in the title how many wait.
    line = desk.page.locator(f"a[href*='{talk}']")
    expect(line).to_be_visible()
    until(lambda: desk.page.title() != before and desk.page.title().startswith("("))
    line.click()
    desk.is_at(f"/chats/{talk}").tap("我来接诊").sees("已接诊，请回复。")
    me.sees("许嘉禾在回复您")

    # What comes while one writes leaves what is written, and where one is.
    box = desk.page.get_by_label("回复居民")
    box.click()
    box.press_sequentially("先量一下")
    me.sees("医生正在写…")
    until(lambda: is_seen_typing(me, desk, "还有点恶心"))
    me.tap("发送")
    desk.sees("还有点恶心")
    expect(desk.page.locator("#typing")).to_be_hidden()
    expect(box).to_be_focused()
    expect(box).to_have_value("先量一下")
    me.sees(re.compile("医生看过"))
    # What the resident takes back is gone from the summary too, without a reload.
    nausea = desk.page.locator("main").get_by_text("恶心")
    expect(desk.page.locator("#triage")).to_contain_text("恶心")
    said = service.ask(token, "GET", f"/conversations/{talk}/messages")["items"]
    taken = next(one["id"] for one in said if "恶心" in one["text"])
    service.ask(token, "POST", f"/conversations/{talk}/messages/{taken}/recall")
    expect(nausea).to_have_count(0)
    box.press_sequentially("血压。")
    box.press("Control+Enter")
    me.sees("先量一下血压。")
    desk.sees(re.compile("对方看过"))
    expect(box).to_have_value("")
    expect(box).to_be_focused()

    # A picture, while something else is half written.
    box.fill("看图上的做法")
    desk.page.get_by_text("发照片").click()
    Image.linear_gradient("L").resize((900, 600)).save(tmp_path / "pose.png")
    desk.page.get_by_label("照片（JPG").set_input_files(tmp_path / "pose.png")
    desk.tap("发出照片")
    expect(
        me.shown.get_by_role("button", name="许嘉禾（医生）发的照片，点开看大图")
    ).to_be_visible()
    expect(desk.page.get_by_alt_text("医生发的照片，点开看大图")).to_be_visible()
    expect(box).to_have_value("看图上的做法")

    # Taken back, on both sides.
    box.fill("写错了的一句")
    desk.tap("发送")
    me.sees("写错了的一句")
    said = desk.page.locator(".log > li", has_text="写错了的一句")
    said.get_by_role("button", name="撤回").click()
    desk.sees("撤回这条？").page.keyboard.press("Escape")
    said.get_by_role("button", name="撤回").click()
    desk.tap("撤回").sees("已撤回。")
    me.sees("对方撤回了一条消息")
    expect(me.page.get_by_text("写错了的一句")).to_have_count(0)

    # 用药计划, written by the doctor and read by the resident.
    desk.tap("用药计划").fill("药名", "苯磺酸氨氯地平片").fill("每次用量", "1 片")
    desk.page.get_by_label("早饭后").check()
    desk.tap("写好，告诉居民").sees("用药计划已写好")
    me.sees(re.compile("医生写了用药计划：苯磺酸氨氯地平片"))
    me.tap("看用药计划").is_at("medicines").sees("1 片，每天 1 次，早饭后")
    me.sees("到点提醒还没有开通，请照医嘱按时服药。")
    me.page.go_back()
    me.is_at("chat")

    # With picture and forms in it, everybody can use it.
    assert axe(desk.page) == []
    assert keyboard(desk.page) == []
    assert desk.page.evaluate(SMALL, TARGET_PX) == []
    assert desk.page.evaluate(WIDER) == 0
    picture(desk.page, "staff", "chat-open-phone")

    # Closed after a question, rated, and seen.
    desk.page.get_by_text("结束或退回").click()
    desk.choose("处理结果", "已答复").tap("结束咨询")
    desk.tap("结束").sees("已结束。居民 48 小时内再写")
    me.sees("这次咨询结束了")
    me.tap("很有帮助").tap("提交评价").sees("您的评价：很有帮助")
    desk.open(f"/chats/{talk}").sees("已评价")
    write(me, "又疼起来了")
    me.sees("已转给医生，请等一等")
    desk.sees("又疼起来了")
    desk.sees("等医生")


def test_what_was_written_on_a_bad_line_comes_once_with_picture_and_voice(
    phone: Phones, browser: Browser, service: Service, doctor: Desk, tmp_path: Any
) -> None:
    old = Phone(browser, service, "", elder=False, agreed=True, over_line=True)
    token = a_resident(old, "李秀英")
    write(old, "膝盖疼，下楼更疼")
    expect(old.page.get_by_text("分诊程序（不是医生）").locator("visible=true")).to_have_count(2)
    talk = latest(old, token)
    service.line.cut()
    write(old, "断网时写的")
    old.sees("正在发…")
    service.line.mend()
    expect(old.page.get_by_text("正在发…")).to_have_count(0, timeout=20_000)
    sent = "SELECT COUNT(*) FROM message WHERE conversation_id = ? AND body = ?"
    until(lambda: ask(service.database, sent, UUID(talk), "断网时写的") == [(1,)])
    assert old.faults == []
    old.close()

    me = phone(old.user, agreed=True)  # at the address that pictures are sent from
    me.context.grant_permissions(["microphone"])
    me.open(f"chat?id={talk}").sees("断网时写的")

    Image.linear_gradient("L").resize((1200, 900)).save(tmp_path / "knee.jpg")
    with me.page.expect_file_chooser() as chosen:
        me.tap("照片")
    chosen.value.set_files(tmp_path / "knee.jpg")
    shot = me.shown.get_by_role("button", name="我发的照片，点开看大图")
    expect(shot).to_be_visible()
    me.tap("说话").tap("允许").sees(re.compile("正在录音 [1-9]"))
    me.tap("说完了，发送")
    expect(me.shown.get_by_role("button", name=re.compile("^听语音"))).to_be_visible()
    kinds = (
        "SELECT kind FROM message WHERE conversation_id = ? AND attachment_id IS NOT NULL"
        " ORDER BY seq"
    )
    until(lambda: ask(service.database, kinds, UUID(talk)) == [("image",), ("voice",)])
    me.tap("转人工").sees("已转给医生，请等一等")

    doctor.open(f"/chats/{talk}")
    shown = doctor.page.get_by_alt_text("居民发的照片，点开看大图")
    shown.scroll_into_view_if_needed()
    until(lambda: shown.evaluate("(one) => one.complete && one.naturalWidth > 0"))
    voice = doctor.page.locator("audio")
    voice.evaluate("(one) => { one.muted = true; return one.play() }")
    until(lambda: voice.evaluate("(one) => one.duration > 0"))


def test_nothing_that_is_written_ever_runs(phone: Phones, doctor: Desk, service: Service) -> None:
    """By the resident, the doctor, the bot's summary and in notes; on phone, list and desk."""
    me = phone(agreed=True)
    me.page.add_init_script(xss.TRAP)
    doctor.page.add_init_script(xss.TRAP)
    token = a_resident(me, "周玉珍")
    write(me, xss.VECTORS[0])
    me.sees(xss.VECTORS[0])
    talk = latest(me, token)
    service.ask(token, "POST", f"/conversations/{talk}/hand-over")
    fill_with_vectors(service, UUID(talk), doctor)
    for path in (f"chat?id={talk}", "chats"):
        me.open(path)
        assert xss.wounds(me.page) == [], path
    assert me.page.get_by_text("__xss").locator("visible=true").count() > 0
    for path in (f"/chats/{talk}", "/chats", "/chats?q=xss", f"/chats/{talk}/transfer"):
        doctor.open(path)
        assert xss.wounds(doctor.page) == [], path
    doctor.open(f"/chats/{talk}")
    log = doctor.page.locator(".log").inner_text()
    assert [one for one in xss.VECTORS if one.strip() and one.split()[0] not in log][:3] == []


def fill_with_vectors(service: Service, talk: UUID, doctor: Desk) -> None:
    """The whole corpus in turn by both sides, ten texts in a message; one in each other place."""
    names = [row[1] for row in ask(service.database, "PRAGMA table_info(message)")]
    columns = ", ".join(names)
    [last] = ask(
        service.database,
        f"SELECT {columns} FROM message WHERE conversation_id = ? AND author_kind = 'resident'"
        " ORDER BY seq DESC LIMIT 1",
        talk,
    )
    [(seq,)] = ask(service.database, "SELECT last_seq FROM conversation WHERE id = ?", talk)
    kept = dict(zip(names, last, strict=True))
    for number in range(0, len(xss.VECTORS), 10):
        seq += 1
        by = {"author_kind": "doctor", "author_id": doctor.staff_id} if seq % 2 else {}
        text = "\n".join(xss.VECTORS[number : number + 10])
        row = kept | {"id": uuid4(), "seq": seq, "client_id": uuid4().hex, "body": text} | by
        insert(service.database, "message", row)
    put = "UPDATE conversation SET last_seq = ?, preview = ?, version = version + 1 WHERE id = ?"
    change(service.database, put, seq, xss.VECTORS[0][:60], talk)
    insert(service.database, "conversation_note", {
        "id": uuid4(), "conversation_id": talk, "staff_id": doctor.staff_id,
        "text": xss.VECTORS[1], "at": clock.now(),
    })  # fmt: skip
