"""评价就诊 over HTTP: found, answered once, refused by name, and what is kept of the request."""

import hashlib
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend.identity.access import Actor
from backend.identity.models import Account, Carer
from backend.receipts import IdempotencyKey
from backend.satisfaction.models import SurveyResponse
from tests.api.conftest import Headers, Server, keyed
from tests.api.conftest import server as server
from tests.people import Person, an_id_number
from tests.satisfaction.visits import BEST, a_visit

SURVEYS, ANSWERS = "/api/v1/surveys", "/api/v1/survey-responses"


@pytest.fixture
async def seen(server: Server) -> tuple[Headers, UUID]:
    """王奶奶, and her visit of yesterday."""
    who = await server.log_in()
    patient = {"name": "王桂兰", "id_number": an_id_number(), "relation": "self", "agreed": True}
    await server.http.post("/api/v1/patients", json=patient, headers=keyed(who))
    carer, account = await Carer.get(), await Account.get()
    actor = Actor(server.settings.consortium_id, "resident", account.id)
    _, visit = await a_visit(server.settings, Person(actor, carer.patient_id))
    return who, visit.id


async def send(server: Server, headers: Headers, visit: UUID, **facts: Any) -> tuple[int, Any]:
    told = {"appointment_id": str(visit), "anonymous": True, "answers": BEST} | facts
    answer = await server.http.post(ANSWERS, json=told, headers=headers)
    return answer.status_code, answer.json()


async def test_it_is_offered_and_answered_once(server: Server, seen: tuple[Headers, UUID]) -> None:
    who, visit = seen
    found = (await server.http.get(SURVEYS, headers=who)).json()
    assert [one["answered"] for one in found["visits"]] == [False]
    assert found["visits"][0]["appointment_id"] == str(visit)
    assert found["survey"]["reviewed"] is found["survey"]["official"] is False
    answers = {one["id"]: one["options"][-1]["letter"] for one in found["survey"]["questions"]}
    told = {"appointment_id": str(visit), "anonymous": True}
    assert await send(server, keyed(who), visit, answers=answers) == (201, told)
    assert (await server.http.get(SURVEYS, headers=who)).json()["visits"][0]["answered"] is True
    again = await send(server, keyed(who), visit)
    assert (again[0], again[1]["code"]) == (409, "already-answered")
    assert again[1]["appointment_id"] == str(visit)
    assert await SurveyResponse.all().count() == 1


async def test_the_appointment_says_whether_it_is_answered_for(
    server: Server, seen: tuple[Headers, UUID]
) -> None:
    who, visit = seen

    async def told() -> Any:
        return (await server.http.get(f"/api/v1/appointments/{visit}", headers=who)).json()

    assert (await told())["survey"] == "open"
    await Carer.all().update(scope="view")
    assert (await told())["survey"] is None
    await Carer.all().update(scope="book")
    assert (await send(server, keyed(who), visit))[0] == 201
    assert (await told())["survey"] == "answered"
    (listed,) = (await server.http.get("/api/v1/appointments", headers=who)).json()["items"]
    assert listed["survey"] is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"answers": BEST | {"privacy": "Z"}}, "answers"),
        ({"answers": BEST | {"x" * 40: "A"}}, "answers"),
        ({"answers": BEST | {"food": "A"}}, "answers.food"),
        ({"answers": {"privacy": "A"}}, "answers.registration"),
        ({"answers": {}}, "answers"),
        ({"anonymous": None}, "anonymous"),
        ({"comment": "长" * 301}, "comment"),
        ({"patient_id": str(uuid4())}, "patient_id"),
    ],
)
async def test_what_is_wrong_is_named(
    server: Server, seen: tuple[Headers, UUID], change: dict[str, Any], field: str
) -> None:
    who, visit = seen
    status, problem = await send(server, keyed(who), visit, **change)
    assert (status, problem["field"]) == (422, field)
    assert (await send(server, who, visit))[1]["code"] == "idempotency-key-missing"
    assert not await SurveyResponse.exists()


async def test_what_is_kept_of_an_anonymous_request_tells_no_answer(
    server: Server, seen: tuple[Headers, UUID]
) -> None:
    """Eight answers are few enough to try them all against a hash."""
    who, visit = seen
    headers = keyed(who)
    first = await send(server, headers, visit, comment="悄悄话")
    other = await send(server, headers, visit, answers=BEST | {"privacy": "E"})
    assert other == first  # the same key, and the same visit: done before
    kept = await IdempotencyKey.get(key=headers["idempotency-key"])
    assert kept.answer == f'{{"appointment_id":"{visit}","anonymous":true}}'
    bound = f"POST {ANSWERS}\nanonymous:{visit}".encode()
    assert kept.request_hash == hashlib.sha256(bound).hexdigest()
    assert (await SurveyResponse.get()).answers["privacy"] == 1


async def test_a_named_answer_keeps_its_key_strictly(
    server: Server, seen: tuple[Headers, UUID]
) -> None:
    who, visit = seen
    headers = keyed(who)
    first = await send(server, headers, visit, anonymous=False)
    assert first[0] == 201
    assert await send(server, headers, visit, anonymous=False) == first
    changed = await send(server, headers, visit, anonymous=False, comment="再说一句")
    assert changed[1]["code"] == "idempotency-key-reused"
    assert (await SurveyResponse.get()).appointment_id == visit
