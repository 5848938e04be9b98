"""What is kept about me: messages that lead on, who read, a file to take along, and the end."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.phone import Phone
from tests.browser.service import Service
from tests.processes import until

MODES = pytest.mark.parametrize("elder", [False, True], ids=["normal", "elder"])


def book(service: Service, token: str, patient: str) -> str:
    return service.book(token, patient, tier="township")[2]


@MODES
def test_a_message_leads_to_its_appointment_and_back(
    phone: Callable[..., Phone], service: Service, elder: bool
) -> None:
    me = phone(elder=elder, agreed=True)
    token = me.log_in()
    booked = book(service, token, service.add_patient(token, "王桂兰"))
    until(lambda: bool(service.ask(token, "GET", "/inbox")["items"]))
    me.open("inbox")
    me.sees("2 条没看")  # the other one tells of this very phone
    me.tap(re.compile("^没看过，预约成功")).is_at("message")
    me.tap("看这个预约").is_at("appointment")
    assert booked in me.page.url
    me.page.go_back()
    me.is_at("message")
    me.page.go_back()
    me.is_at("inbox").sees("1 条没看")
    me.tap("全部标为看过").sees("都看过了")
    assert service.ask(token, "GET", "/inbox/unread") == {"unread": 0}


@MODES
def test_who_read_my_record_is_told_with_who_they_are(
    phone: Callable[..., Phone], service: Service, elder: bool
) -> None:
    me = phone(elder=elder, agreed=True)
    token = me.log_in()
    patient = service.add_patient(token, "王桂兰")
    code = service.ask(token, "POST", f"/patients/{patient}/carers", json={"scope": "view"})["code"]
    child = service.log_in(f"{me.user}-child")
    service.ask(child, "POST", "/carers", json={"code": code, "relation": "child"})
    service.ask(child, "GET", f"/patients/{patient}")
    me.open("my-data").tap(re.compile("^谁看过记录"))
    me.sees("家人（子女）")
    me.sees("看了就诊人资料")


def test_everything_can_be_taken_along(phone: Callable[..., Phone], service: Service) -> None:
    me = phone(agreed=True)
    me.log_in("王桂兰")
    me.open("my-data?part=export").tap("生成文件")
    me.sees("文件做好了")
    with me.page.expect_download() as download:
        me.tap("发给自己")
    kept = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert [patient["name"] for patient in kept["patient"]] == ["王桂兰"]


def test_consent_taken_back_ends_at_the_terms(phone: Callable[..., Phone]) -> None:
    me = phone().open("privacy")
    me.tap("我看过了，同意").is_at("home")
    me.open("my-data?part=consents").tap("撤回同意").tap("撤回").is_at("home")
    me.sees("在家门口，约好医生")
    me.open("inbox").sees("请先看隐私协议")


@MODES
def test_deleting_says_what_stands_in_the_way_and_then_forgets(
    phone: Callable[..., Phone], service: Service, elder: bool
) -> None:
    me = phone(elder=elder, agreed=True)
    token = me.log_in()
    book(service, token, service.add_patient(token, "王桂兰"))
    me.open("my-data?part=delete").sees("还有 1 个预约")
    expect(me.button("注销账号")).to_have_count(0)
    me.tap(re.compile("第 1 个预约")).is_at("appointment")
    me.tap("取消预约").tap("确定取消").sees("已取消")
    me.page.go_back()
    me.is_at("my-data").tap("我看明白了，要注销").tap("注销账号").tap("注销").is_at("home")
    me.sees("在家门口，约好医生")
    kept = me.page.evaluate("Object.keys(localStorage).join()")
    assert "token" not in kept
    headers = {"authorization": f"Bearer {token}"}
    assert service.http.get(f"{service.url}/api/v1/me", headers=headers).status_code == 401
