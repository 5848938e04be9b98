"""A full doctor, a place in line, somebody else's cancellation, and an offer that is taken."""

import re
import secrets
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.phone import Phone
from tests.browser.service import Service

Phones = Callable[..., Phone]

FULL = """
UPDATE slot SET capacity = booked WHERE schedule_id IN (
  SELECT s.id FROM schedule s JOIN schedule m ON m.department_id = s.department_id
  AND m.held_on = s.held_on WHERE m.id = ?)
"""


def a_full_day(service: Service) -> tuple[Any, str, str]:
    """A doctor's schedule with one booking and no place left in the department that day.

    And whose the booking is, with their token.
    """
    token = service.log_in(f"other-{secrets.token_hex(6)}")
    patient = service.add_patient(token, "旁人")
    schedule, _, booked = service.book(token, patient, several=True)
    with sqlite3.connect(service.database, timeout=10) as connection:
        connection.execute(FULL, (schedule["id"],))
    connection.close()
    return schedule, booked, token


@pytest.mark.parametrize("elder", [False, True], ids=["normal", "elder"])
def test_who_waits_gets_what_another_gives_back(
    phone: Phones, service: Service, elder: bool
) -> None:
    schedule, booked, token = a_full_day(service)
    clinic = service.find(f"/schedules/{schedule['id']}")["clinic"]
    doctor = clinic["practitioner"]
    who = f"id={doctor['id']}&" if doctor else ""
    me = phone(agreed=True, elder=elder)
    me.log_in("王桂兰")
    me.open(f"doctor?{who}department={clinic['department']['id']}&on={schedule['held_on']}")
    me.is_at("doctor").tap(re.compile("约满了，候补排队"))
    me.is_at("waitlist-join").tap("开始候补")
    me.is_at("waitlist").sees("您排在最前面。")
    service.ask(token, "POST", f"/appointments/{booked}/cancel", json={"reason": ""})
    me.open("home").sees(re.compile("给王.兰留了一个号"))
    me.tap("看一看，去确认").is_at("appointment").sees("给您留的号")
    me.tap("确认预约").tap("允许")
    me.sees("已预约")
    me.open("waitlist").is_at("waitlist")
    if not elder:
        me.sees("已经候补到号。")
