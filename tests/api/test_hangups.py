"""Clients that hang up at any moment leak no lock, no connection and no half of a booking."""

import asyncio
import json
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tortoise.connection import get_connection

from backend import clock
from backend import db as database
from backend.audit import AuditEvent
from backend.booking.models import Appointment, AppointmentEvent, Slot
from backend.receipts import IdempotencyKey
from tests.api.conftest import Server
from tests.clinics import a_clinic, a_schedule
from tests.people import an_id_number, log_in, register
from tests.serving import plain_http, until

SEED = 20261123
ABORT_WITHIN_S = (0.004, 0.004, 0.3)
WAIT = 0.1  # the share that waits for its answer, so that a slow machine gets some out
ANSWER_S = 30.0
TOGETHER = 30


@dataclass
class Caller:
    token: str
    patient_id: UUID


class Town:
    """People who all book on the same days, and the raw requests by which they do."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.dice = random.Random(SEED)
        self.callers: list[Caller] = []
        self.slots: list[Slot] = []

    async def settle(self, people: int, days: int) -> None:
        settings = self.server.settings
        for number in range(people):
            token, actor = await log_in(settings, f"openid-{number}")
            facts = {"id_number": an_id_number(birth="19600101", order=number)}
            self.callers.append(
                Caller(token, (await register(actor, settings, **facts)).patient_id)
            )
        clinic = await a_clinic(settings)
        for day in range(2, 2 + days):
            on = clock.today() + timedelta(days=day)
            self.slots += await a_schedule(settings, clinic, on=on, capacity=people)

    def booking(self, caller: Caller, slot: Slot) -> bytes:
        form = {"slot_id": str(slot.id), "patient_id": str(caller.patient_id)}
        form["confirm"] = self.dice.random() < 0.8  # type: ignore[assignment]
        return self.post(caller, "/api/v1/appointments", form)

    def post(self, caller: Caller, path: str, form: dict[str, Any]) -> bytes:
        body = json.dumps(form).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {caller.token}\r\nIdempotency-Key: {uuid4().hex}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def hang_up(self, request: bytes) -> bool:
        """Send it, wait a moment or for the answer, cut the line. Whether an answer had come."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(request)
        answer = asyncio.ensure_future(reader.read(12))
        moment = self.dice.random() * self.dice.choice(ABORT_WITHIN_S)
        if self.dice.random() < WAIT:
            moment = ANSWER_S
        await asyncio.wait({answer}, timeout=moment)
        came = answer.done()
        answer.cancel()
        await asyncio.wait({answer})
        writer.transport.abort()
        return came

    async def hang_up_all(self, requests: list[bytes]) -> int:
        """In waves; returns how many were cut before any answer."""
        cut = 0
        for first in range(0, len(requests), TOGETHER):
            wave = requests[first : first + TOGETHER]
            came = await asyncio.gather(*(self.hang_up(request) for request in wave))
            cut += came.count(False)
        return cut


async def rest(server: Server) -> None:
    """Wait until all that was sent has been read, and nothing is under way any more."""
    async with plain_http() as late:  # who comes in last is answered last
        await late.get(f"http://127.0.0.1:{server.port}/healthz")
    await server.service.desk.taking.close()
    await until(lambda: at_rest(server))


async def at_rest(server: Server) -> bool:
    """Nothing held that only a request may hold."""
    if server.service.desk.taking.waiting:
        return False
    client = get_connection("default")
    if database.is_sqlite():
        return not client._lock.locked()
    return bool(client._pool.get_idle_size() == client._pool.get_size())


async def check_books(server: Server, slots: list[Slot]) -> int:
    """Every place counted is an appointment with event, audit row and receipt. How many."""
    living = 0
    for slot in slots:
        rows = await Appointment.filter(slot_id=slot.id, status__in=("pending", "booked")).count()
        assert (await Slot.get(id=slot.id)).booked == rows
        living += rows
    everyone = set(await Appointment.all().values_list("id", flat=True))
    opened = await AppointmentEvent.filter(action="book").values_list("appointment_id", flat=True)
    audited = await AuditEvent.filter(action__startswith="appointment.book").values_list(
        "entity_id", flat=True
    )
    answers = await IdempotencyKey.filter(status=201, answer__contains="policy_version")
    receipts = [UUID(json.loads(row.answer)["id"]) for row in answers]
    for written in (opened, audited, receipts):
        assert len(written) == len(everyone)
        assert set(written) == everyone
    ended = await Appointment.filter(status="cancelled").values_list("id", flat=True)
    events = await AppointmentEvent.filter(action="cancel").values_list("appointment_id", flat=True)
    assert sorted(map(str, ended)) == sorted(map(str, events))
    return living


async def hang_up_for(server: Server, people: int, days: int) -> dict[str, int]:
    town = Town(server)
    await town.settle(people, days)
    requests = [town.booking(caller, slot) for slot in town.slots for caller in town.callers]
    town.dice.shuffle(requests)
    cut = await town.hang_up_all(requests)
    await rest(server)
    booked = await check_books(server, town.slots)
    assert cut > len(requests) // 10, "answers came before anybody hung up"
    assert booked > len(requests) // 10, "nobody's booking came through"

    by_patient = {caller.patient_id: caller for caller in town.callers}
    rows = await Appointment.filter(status__in=("pending", "booked"))
    cancels = [
        town.post(by_patient[row.patient_id], f"/api/v1/appointments/{row.id}/cancel", {})
        for row in rows
    ]
    cut += await town.hang_up_all(cancels)
    await rest(server)
    left = await check_books(server, town.slots)
    assert left < booked, "nobody's cancellation came through"

    caller = town.callers[0]
    async with asyncio.timeout(30):
        answer = await server.http.get(
            "/api/v1/appointments", headers={"authorization": f"Bearer {caller.token}"}
        )
        assert answer.status_code == 200
        for slot in town.slots:
            form = {"slot_id": str(slot.id), "patient_id": str(caller.patient_id)}
            again = await server.http.post(
                "/api/v1/appointments",
                json=form,
                headers={"authorization": f"Bearer {caller.token}", "idempotency-key": uuid4().hex},
            )
            assert again.status_code in (201, 409), again.text
    await rest(server)
    return {
        "aborted": cut,
        "requests": len(requests) + len(cancels),
        "booked": booked,
        "left": left,
    }


async def test_six_hundred_who_hang_up_leak_nothing(server: Server) -> None:
    figures = await hang_up_for(server, people=60, days=10)
    assert figures["requests"] >= 600


async def test_the_limits_hub_survives_those_who_hang_up(
    server: Server, request: pytest.FixtureRequest, engine: str
) -> None:
    """Cancelled half-way through a Redis pipeline, a connection must not answer the next one."""
    from backend.hub import InProcessHub, RedisHub

    url, dice = str(request.config.getoption("--redis-url")), random.Random(SEED)
    hub = InProcessHub() if engine == "sqlite" else RedisHub(url, prefix=f"test:{uuid4().hex}:")

    async def one(number: int) -> None:
        key = f"k{number}"
        await hub.set(key, key.encode(), 30)
        assert await hub.get(key) == key.encode()
        assert await hub.count(f"n{number}", 30) == 1

    for first in range(0, 600, TOGETHER):
        tasks = [asyncio.create_task(one(first + n)) for n in range(TOGETHER)]
        for task in tasks:
            for _ in range(dice.randrange(12)):
                await asyncio.sleep(0)
            if dice.random() < 0.7:
                task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        wrong = [result for result in results if isinstance(result, Exception)]
        assert wrong == []
    await asyncio.wait_for(one(10_000), 30)
    await hub.close()


@pytest.mark.soak
async def test_ten_thousand_who_hang_up_leak_nothing(server: Server, engine: str) -> None:
    from benchmarks.soak import note

    figures = await hang_up_for(server, people=850, days=12)
    assert figures["requests"] >= 10_000
    note(engine, "hang-ups", figures)
