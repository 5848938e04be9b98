"""The main job over HTTP: a first visit to booked, and back, through WeChat's simulator."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import icalendar

from backend import clock
from backend.booking import holds
from backend.settings import Settings
from tests.clinics import a_clinic, a_schedule
from tests.people import an_id_number

Wired = tuple[httpx.AsyncClient, httpx.AsyncClient, Settings]


async def log_in(phone: httpx.AsyncClient, http: httpx.AsyncClient, user: str) -> dict[str, str]:
    code = (await phone.post("/_sim/login", json={"user": user})).json()["code"]
    answer = await http.post("/api/v1/login/wechat", json={"code": code})
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['token']}"}


def keyed(who: dict[str, str]) -> dict[str, str]:
    return who | {"idempotency-key": uuid4().hex}


async def add_self(http: httpx.AsyncClient, who: dict[str, str], **facts: Any) -> dict[str, Any]:
    form = {
        "name": "王桂兰",
        "id_number": an_id_number(),
        "relation": "self",
        "agreed": True,
        "phone": "13800001234",
    }
    answer = await http.post("/api/v1/patients", json=form | facts, headers=keyed(who))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_first_visit_to_booked_and_back(phone_and_server: Wired, noon: clock.Hands) -> None:
    phone, http, settings = phone_and_server
    clinic = await a_clinic(settings)
    await a_schedule(settings, clinic, capacity=2, slots=3)

    who = await log_in(phone, http, "wang-nainai")
    patient = await add_self(http, who)
    assert (patient["name"], patient["id_number"]) == (
        "王*兰",
        "3****************" + an_id_number()[-1],
    )
    assert patient["phone"] == "138****1234"

    found = await http.get("/api/v1/schedules", params={"q": "头晕", "near": "30.1,120.1"})
    schedule = found.json()["items"][0]
    assert (schedule["free"], schedule["fee"], schedule["state"]) == (6, "12.00 元", "open")
    assert "免费取消" in found.json()["rules"][schedule["rules_index"]]
    slots = (await http.get("/api/v1/slots", params={"schedule": schedule["id"]})).json()["items"]

    form = {"slot_id": slots[0]["id"], "patient_id": patient["id"]}
    headers = keyed(who)
    booked = await http.post("/api/v1/appointments", json=form, headers=headers)
    assert booked.status_code == 201, booked.text
    again = await http.post("/api/v1/appointments", json=form, headers=headers)
    assert again.content == booked.content
    assert again.headers["idempotent-replayed"] == "true"
    appointment = booked.json()
    assert appointment["cancelling"]["possible"]

    one = f"/api/v1/appointments/{appointment['id']}"
    moved = await http.post(
        f"{one}/reschedule", json={"slot_id": slots[1]["id"]}, headers=keyed(who)
    )
    assert moved.json()["slot_id"] == slots[1]["id"], moved.text

    links = (await http.get(f"{one}/links", headers=who)).json()
    entry = await http.get(links["ics"].replace(settings.public_url, ""))
    event = icalendar.Calendar.from_ical(entry.text).walk("VEVENT")[0]
    assert event["dtstart"].dt.isoformat() == slots[1]["starts_at"].replace("Z", "+00:00")
    slip = await http.get(links["slip"].replace(settings.public_url, ""))
    assert "王*兰" in slip.text
    assert "王桂兰" not in slip.text
    assert "提前 15 分钟" in slip.text

    upcoming = await http.get("/api/v1/appointments?status=upcoming", headers=who)
    assert [item["id"] for item in upcoming.json()["items"]] == [appointment["id"]]
    gone = await http.post(f"{one}/cancel", json={"reason": "好了"}, headers=keyed(who))
    assert gone.json()["status"] == "cancelled"
    slip = await http.get(links["slip"].replace(settings.public_url, ""))
    assert "不能凭此单就诊" in slip.text
    assert "提前 15 分钟" not in slip.text
    upcoming = await http.get("/api/v1/appointments?status=upcoming", headers=who)
    assert upcoming.json()["items"] == []


async def test_each_change_replaces_the_entry_in_a_calendar(
    phone_and_server: Wired, noon: clock.Hands
) -> None:
    """RFC 5545: the same UID, a higher SEQUENCE; nothing rings for what is cancelled."""
    phone, http, settings = phone_and_server
    slots = await a_schedule(settings, await a_clinic(settings), slots=2)
    who = await log_in(phone, http, "wang-nainai")
    patient = await add_self(http, who)
    form = {"slot_id": str(slots[0].id), "patient_id": patient["id"], "confirm": False}
    held = (await http.post("/api/v1/appointments", json=form, headers=keyed(who))).json()
    one = f"/api/v1/appointments/{held['id']}"

    async def entry() -> icalendar.Event:
        text = (await http.get(f"{one}.ics", headers=who)).text
        return icalendar.Calendar.from_ical(text).walk("VEVENT")[0]

    entries = [await entry()]
    for deed, body in (
        ("confirm", None), ("reschedule", {"slot_id": str(slots[1].id)}), ("cancel", {}),
    ):  # fmt: skip
        answer = await http.post(f"{one}/{deed}", json=body, headers=keyed(who))
        assert answer.status_code == 200, answer.text
        entries.append(await entry())

    assert len({event["uid"] for event in entries}) == 1
    assert [event["sequence"] for event in entries] == [0, 1, 2, 3]
    states = [event["status"] for event in entries]
    assert states == ["TENTATIVE", "CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert [len(event.walk("VALARM")) for event in entries] == [1, 1, 1, 0]


async def test_a_dead_hold_is_cancelled_in_a_calendar_before_and_after_its_job(
    phone_and_server: Wired, noon: clock.Hands
) -> None:
    phone, http, settings = phone_and_server
    slots = await a_schedule(settings, await a_clinic(settings))
    who = await log_in(phone, http, "wang-nainai")
    patient = await add_self(http, who)
    form = {"slot_id": str(slots[0].id), "patient_id": patient["id"], "confirm": False}
    held = (await http.post("/api/v1/appointments", json=form, headers=keyed(who))).json()
    noon.move(timedelta(minutes=11))
    for _ in range(2):
        text = (await http.get(f"/api/v1/appointments/{held['id']}.ics", headers=who)).text
        event = icalendar.Calendar.from_ical(text).walk("VEVENT")[0]
        assert (event["sequence"], event["status"]) == (1, "CANCELLED")
        await holds.expire(settings.consortium_id)


async def test_a_daughter_is_let_in_and_shown_out(
    phone_and_server: Wired, noon: clock.Hands
) -> None:
    phone, http, _ = phone_and_server
    mother = await log_in(phone, http, "wang-nainai")
    daughter = await log_in(phone, http, "wang-min")
    patient = await add_self(http, mother)

    await add_self(http, daughter, name="李小敏", id_number=an_id_number(order=70))
    asked = await add_self(http, daughter, relation="child")
    assert asked["state"] == "requested"
    assert asked["id_number"] is None
    path = f"/api/v1/patients/{patient['id']}"
    assert (await http.get(path, headers=daughter)).status_code == 404

    carers = (await http.get(f"{path}/carers", headers=mother)).json()["items"]
    assert {carer["state"]: carer["name"] for carer in carers} == {
        "active": None, "requested": "李*敏",
    }  # fmt: skip
    waiting = next(carer for carer in carers if carer["state"] == "requested")
    let_in = await http.post(
        f"{path}/carers/{waiting['id']}/consent", json={"scope": "book"}, headers=keyed(mother)
    )
    assert let_in.json()["state"] == "active", let_in.text
    assert (await http.get(path, headers=daughter)).json()["id_number"].startswith("3***")

    shown_out = await http.delete(f"{path}/carers/{waiting['id']}", headers=mother)
    assert shown_out.status_code == 204
    assert (await http.get(path, headers=daughter)).status_code == 404


async def test_the_phone_that_wechat_vouches_for(
    phone_and_server: Wired, noon: clock.Hands
) -> None:
    phone, http, _ = phone_and_server
    who = await log_in(phone, http, "li-dashu")
    code = (await phone.post("/_sim/phone", json={"user": "li-dashu"})).json()["code"]
    answer = await http.post("/api/v1/me/phone", json={"code": code}, headers=who)
    assert "****" in answer.json()["phone"]
    again = await http.post("/api/v1/me/phone", json={"code": code}, headers=who)
    assert (again.status_code, again.json()["code"]) == (422, "invalid-code")


async def test_a_log_in_that_was_ended_is_over_at_once(
    phone_and_server: Wired, noon: clock.Hands
) -> None:
    phone, http, _ = phone_and_server
    first = await log_in(phone, http, "wang-nainai")
    second = await log_in(phone, http, "wang-nainai")
    devices = (await http.get("/api/v1/me/devices", headers=second)).json()["items"]
    assert len(devices) == 2
    assert (await http.delete("/api/v1/me/devices", headers=second)).status_code == 204
    assert (await http.get("/api/v1/me", headers=first)).status_code == 401
    assert (await http.get("/api/v1/me", headers=second)).status_code == 200
