"""Idempotency-Key: a thing is done once, and whoever asks again gets the same answer."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx

from backend import clock, receipts
from backend.api.route import PREFIX, routes
from backend.booking.models import Appointment, Slot
from backend.identity.models import Carer, CarerInvitation
from backend.receipts import KEPT, IdempotencyKey
from tests.api.asking import (
    BOOKINGS,
    PATIENT,
    PATIENTS,
    a_booking,
    a_patient,
    is_problem,
)
from tests.api.conftest import Headers, Server, keyed
from tests.clinics import a_clinic, a_schedule, booked_in
from tests.people import an_id_number
from tests.serving import plain_http

RIVALS = 24


def test_every_post_that_changes_something_takes_a_key() -> None:
    """The others take a code that WeChat accepts once, which is a key already; or make nothing
    that lasts: a look at an invitation, a ticket for a minute. In a conversation a message and what
    it encloses have the `client_id`; what else is done there may be done twice without harm."""
    posts = {route.path for route in routes if route.method == "POST" and not route.receipt}
    without = {path for path in posts if not path.startswith("/conversations/<")}
    once = {"/login/wechat", "/me/phone", "/me/export", "/me/deletion", "/conversations/tickets"}
    assert without <= once | {"/carers/invitation", "/queue/tickets"}


async def test_without_a_sound_key_nothing_is_done(server: Server, who: Headers) -> None:
    for key in (None, "", "short", "x" * 65, "with a space", "tab\tinside", "é" * 9):
        headers: dict[str, Any] = dict(who)
        if key is not None:
            headers["idempotency-key"] = key.encode("latin-1")
        answer = await server.http.post(PATIENTS, json=PATIENT, headers=headers)
        found = is_problem(answer, 422, "idempotency-key-missing")
        assert found["field"] == "Idempotency-Key"
    assert await Carer.all().count() == 0


async def test_the_same_request_is_answered_byte_for_byte(server: Server, who: Headers) -> None:
    headers = keyed(who)
    first = await server.http.post(PATIENTS, json=PATIENT, headers=headers)
    again = await server.http.post(PATIENTS, json=PATIENT, headers=headers)
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert await Carer.all().count() == 1


async def test_a_key_belongs_to_one_body_and_one_route(server: Server, who: Headers) -> None:
    headers = keyed(who)
    assert (await server.http.post(PATIENTS, json=PATIENT, headers=headers)).status_code == 201
    patient = str((await Carer.get()).patient_id)
    other_body = PATIENT | {"name": "王桂花"}
    for path, body in (
        (PATIENTS, other_body),
        (f"{PATIENTS}/{patient}/carers", {"scope": "view"}),
        (f"{PREFIX}/carers", {"code": "x", "relation": "other"}),
        (BOOKINGS, {"slot_id": str(uuid4()), "patient_id": patient}),
    ):
        answer = await server.http.post(path, json=body, headers=headers)
        assert answer.json()["code"] in ("idempotency-key-reused", "not-found"), answer.text
    assert await IdempotencyKey.all().count() == 1


async def test_a_key_belongs_to_one_account(server: Server, who: Headers) -> None:
    key = uuid4().hex
    other = await server.log_in("li-dashu")
    facts = PATIENT | {"name": "李大叔", "id_number": an_id_number(order=35)}
    mine = await server.http.post(PATIENTS, json=PATIENT, headers=keyed(who, key))
    theirs = await server.http.post(PATIENTS, json=facts, headers=keyed(other, key))
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"]


async def test_a_key_is_kept_for_ninety_days(
    server: Server, who: Headers, noon: clock.Hands
) -> None:
    headers = keyed(who)
    assert (await server.http.post(PATIENTS, json=PATIENT, headers=headers)).status_code == 201
    noon.move(KEPT)
    assert await receipts.sweep() == 0
    noon.move(timedelta(seconds=1))
    assert await receipts.sweep() == 1
    assert await receipts.sweep() == 0


async def test_a_refusal_is_judged_anew(server: Server, who: Headers) -> None:
    """What was refused kept nothing, so the same key may succeed later."""
    appointment = await a_booking(server, who)
    other = await server.log_in("li-dashu")
    patient = await a_patient(server, other, name="李大叔", id_number=an_id_number(order=35))
    await Slot.filter(id=appointment["slot_id"]).update(capacity=1)
    form = {"slot_id": appointment["slot_id"], "patient_id": patient}
    headers = keyed(other)
    full = await server.http.post(BOOKINGS, json=form, headers=headers)
    is_problem(full, 409, "slot-full")
    await server.http.post(f"{BOOKINGS}/{appointment['id']}/cancel", json={}, headers=keyed(who))
    assert (await server.http.post(BOOKINGS, json=form, headers=headers)).status_code == 201


async def test_a_late_retry_gets_its_answer_though_the_gate_has_shut(
    server: Server, who: Headers, noon: clock.Hands
) -> None:
    """Booked in time, the answer lost, and asked again after booking closed."""
    patient = await a_patient(server, who)
    clinic = await a_clinic(server.settings)
    slots = await a_schedule(server.settings, clinic, capacity=5, slots=2)
    headers, moving = keyed(who), keyed(who)
    form = {"slot_id": str(slots[0].id), "patient_id": patient}
    first = await server.http.post(BOOKINGS, json=form, headers=headers)
    move = f"{BOOKINGS}/{first.json()['id']}/reschedule"
    moved = await server.http.post(move, json={"slot_id": str(slots[1].id)}, headers=moving)
    noon.set(slots[1].starts_at)
    again = await server.http.post(BOOKINGS, json=form, headers=headers)
    assert (again.status_code, again.content) == (201, first.content)
    again = await server.http.post(move, json={"slot_id": str(slots[1].id)}, headers=moving)
    assert (again.status_code, again.content) == (200, moved.content)


async def twins(server: Server, path: str, body: Any, headers: Headers) -> list[httpx.Response]:
    """The very same request, many times at the same moment."""
    async with plain_http(base_url=server.http.base_url, timeout=30) as http:
        return await asyncio.gather(
            *(http.post(path, json=body, headers=headers) for _ in range(RIVALS))
        )


def all_alike(answers: list[httpx.Response], status: int) -> None:
    assert {answer.status_code for answer in answers} == {status}, [
        answer.text for answer in answers if answer.status_code != status
    ][:2]
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1


async def test_twins_of_a_booking_are_answered_alike(server: Server, who: Headers) -> None:
    patient = await a_patient(server, who)
    clinic = await a_clinic(server.settings)
    first, second = await a_schedule(server.settings, clinic, capacity=RIVALS, slots=2)
    form = {"slot_id": str(first.id), "patient_id": patient}
    booked = await twins(server, BOOKINGS, form, keyed(who))
    all_alike(booked, 201)
    assert await booked_in(first.id) == 1
    one = f"{BOOKINGS}/{booked[0].json()['id']}"
    move = {"slot_id": str(second.id)}
    all_alike(await twins(server, f"{one}/reschedule", move, keyed(who)), 200)
    assert (await booked_in(first.id), await booked_in(second.id)) == (0, 1)
    all_alike(await twins(server, f"{one}/cancel", {"reason": "有事"}, keyed(who)), 200)
    assert (await booked_in(first.id), await booked_in(second.id)) == (0, 0)


async def test_twins_of_a_family_booking_are_answered_alike(server: Server, who: Headers) -> None:
    patient = await a_patient(server, who)
    slot = (await a_schedule(server.settings, await a_clinic(server.settings), capacity=9))[0]
    form = {"bookings": [{"slot_id": str(slot.id), "patient_id": patient}], "confirm": False}
    held = await twins(server, f"{BOOKINGS}/family", form, keyed(who))
    all_alike(held, 201)
    one = f"{BOOKINGS}/{held[0].json()['items'][0]['id']}"
    all_alike(await twins(server, f"{one}/confirm", None, keyed(who)), 200)
    assert await Appointment.all().count() == await booked_in(slot.id) == 1


async def test_twins_about_people_are_answered_alike(server: Server, who: Headers) -> None:
    added = await twins(server, PATIENTS, PATIENT, keyed(who))
    all_alike(added, 201)
    carers = f"{PATIENTS}/{added[0].json()['id']}/carers"
    invited = await twins(server, carers, {"scope": "view"}, keyed(who))
    all_alike(invited, 201)
    assert await CarerInvitation.all().count() == 1
    daughter = await server.log_in("wang-min")
    form = {"code": invited[0].json()["code"], "relation": "child"}
    all_alike(await twins(server, f"{PREFIX}/carers", form, keyed(daughter)), 201)
    row = await Carer.get(relation="child")
    let_in = await twins(server, f"{carers}/{row.id}/consent", {"scope": "book"}, keyed(who))
    all_alike(let_in, 200)
    assert await Carer.all().count() == 2
