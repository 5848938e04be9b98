"""Booking in the hand: the whole way, one tap twice, rivals for the last place, a lost answer."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.browser.phone import Phone
from tests.browser.service import Service
from tests.processes import until

Phones = Callable[..., Phone]


def at_the_tap(phone: Phone, service: Service, slot: str = "", schedule: str = "") -> Phone:
    """On the page that books, in elder mode: one tap from booked."""
    if not slot:
        found, place = service.open_slot()
        slot, schedule = place["id"], found["id"]
    return phone.open(f"confirm?schedule={schedule}&slot={slot}").is_at("confirm")


def booked(service: Service, token: str) -> list[str]:
    found = service.ask(token, "GET", "/appointments")["items"]
    return [one["id"] for one in found if one["status"] == "booked"]


def test_from_hold_to_booked_and_cancelled(phone: Phones, service: Service) -> None:
    me = phone(agreed=True)
    token = me.log_in("王桂兰")
    at_the_tap(me, service).tap("留号，下一步")
    expect(me.page.get_by_role("status").filter(has_text="号已经给您留住了")).to_be_focused()
    me.tap("确认预约").tap("允许")
    expect(me.page.get_by_role("status").filter(has_text="预约成功")).to_be_focused()
    assert len(booked(service, token)) == 1
    me.tap("看我的预约").is_at("appointments")
    me.tap(re.compile("王.兰")).is_at("appointment")
    me.tap(re.compile("^取消预约")).tap("确定取消")
    me.sees("已取消")
    assert booked(service, token) == []


@pytest.mark.parametrize("elder", [False, True], ids=["normal", "elder"])
def test_a_double_tap_books_once(phone: Phones, service: Service, elder: bool) -> None:
    me = phone(agreed=True, elder=elder)
    token = me.log_in("王桂兰")
    at_the_tap(me, service)
    if not elder:
        me.button("留号，下一步").dblclick()
        me.sees("号已经给您留住了")
    me.button("就约这个" if elder else "确认预约").dblclick()
    me.tap("取消")  # WeChat's question about reminders
    me.sees("预约成功")
    assert len(booked(service, token)) == 1


@pytest.mark.parametrize("elder", [False, True], ids=["normal", "elder"])
def test_the_last_place_goes_to_one_of_two_phones(
    phone: Phones, service: Service, elder: bool
) -> None:
    """Both requests are on their way before either is let through."""
    schedule, slot = service.open_slot()
    for _ in range(slot["free"] - 1):
        service.take(slot["id"])
    phones = [phone(agreed=True, elder=elder) for _ in range(2)]
    for one in phones:
        one.log_in("王桂兰")
        at_the_tap(one, service, slot["id"], schedule["id"])
    held: list[Route] = []
    stops = [
        one.intercept(r"/api/v1/appointments$", lambda route: held.append(route)) for one in phones
    ]
    for one in phones:
        one.tap("就约这个" if elder else "留号，下一步")
        if elder:
            one.tap("取消")
    until(lambda: len(held) == 2 or bool(phones[0].page.wait_for_timeout(20)))
    for route in held:
        route.continue_()
    for stop in stops:
        stop()
    won = "预约成功" if elder else "号已经给您留住了"
    for one in phones:
        expect(one.page.get_by_text(re.compile(f"{won}|号已约满")).first).to_be_visible()
    assert sorted(one.page.get_by_text(won).count() > 0 for one in phones) == [False, True]


def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    phone: Phones, service: Service
) -> None:
    """The server did it, the answer never came: there is one booking, and it is shown."""
    me = phone(agreed=True, elder=True)
    token = me.log_in("王桂兰")
    at_the_tap(me, service)
    keys: list[str] = []

    def lose_the_first(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1:
            return route.continue_()
        route.fetch()
        return route.abort("connectionreset")

    me.intercept(r"/api/v1/appointments$", lose_the_first)
    me.tap("就约这个").tap("取消")
    me.sees("预约成功")
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert len(booked(service, token)) == 1
