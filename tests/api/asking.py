"""A patient and a booking over the API, and what every refusal must look like."""

import json
import re
from typing import Any

import httpx

from backend.api.problem import KIND
from backend.api.route import PREFIX
from tests.api.conftest import Headers, Server, keyed
from tests.clinics import a_clinic, a_schedule
from tests.people import an_id_number

PATIENTS, BOOKINGS = f"{PREFIX}/patients", f"{PREFIX}/appointments"
CHINESE = re.compile(r"[\u4e00-\u9fff]")

PATIENT: dict[str, Any] = {
    "name": "王桂兰", "id_number": an_id_number(), "relation": "self", "agreed": True,
}  # fmt: skip


def patient_json(**changes: Any) -> bytes:
    return json.dumps(PATIENT | changes, ensure_ascii=False).encode()


def is_problem(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """The document, if the answer is a whole RFC 9457 problem in Chinese."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["type"] == KIND + found["code"]
    assert CHINESE.search(found["title"])
    assert CHINESE.search(found["detail"])
    assert re.fullmatch(r"[0-9a-f]{16}", found["request_id"])
    assert found["request_id"] == answer.headers["x-request-id"]
    assert code in (None, found["code"]), found
    return found


async def a_patient(server: Server, who: Headers, **facts: Any) -> str:
    answer = await server.http.post(PATIENTS, json=PATIENT | facts, headers=keyed(who))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def a_booking(server: Server, who: Headers, *, confirm: bool = True) -> dict[str, Any]:
    patient = await a_patient(server, who)
    slot = (await a_schedule(server.settings, await a_clinic(server.settings), capacity=30))[0]
    form = {"slot_id": str(slot.id), "patient_id": patient, "confirm": confirm}
    answer = await server.http.post(BOOKINGS, json=form, headers=keyed(who))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())
