"""kill -9 of the real server in mid-load: nothing acknowledged is lost, doubled or oversold.

Clients repeat a request under the same Idempotency-Key until it is answered, as a phone should.
"""

import asyncio
import contextlib
import dataclasses
import json
import random
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from backend import clock
from backend import db as database
from backend.booking.models import Appointment, AppointmentEvent, Slot
from backend.identity.models import Carer, Patient
from backend.receipts import IdempotencyKey
from backend.settings import Secret, Settings
from tests import processes
from tests.clinics import a_clinic, a_schedule
from tests.people import log_in
from tests.ports import free_port
from tests.processes import variables
from tests.serving import plain_http

SEED = 7
CLIENTS = 24
READY_S = 90.0
ANSWER_S = 5.0  # a client's patience with one try
RETRY_S = 0.02
GIVE_UP_S = 60.0  # far above any recovery
LIVING = ("pending", "booked")


class Server:
    """The command `serve`. `anew`: as people start it, where it counts how long that takes."""

    def __init__(self, settings: Settings, folder: Path, *, anew: bool = False) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._said = variables(
            settings,
            PORT=str(port),
            REDIS_URL=settings.redis_url.reveal() if settings.redis_url else "",
            BOOKINGS_PER_MINUTE="1000000",
            LOG_LEVEL="ERROR",
        )
        self._folder = folder  # without an .env of its own
        self._anew = anew
        self._running: processes.Process | None = None

    async def start(self) -> None:
        """Until it is ready."""
        began = time.monotonic()
        self._running = processes.start("serve", said=self._said, cwd=self._folder, anew=self._anew)
        async with plain_http(base_url=self.url) as http:
            while time.monotonic() - began < READY_S:
                assert self._running.poll() is None, "the server ended by itself"
                with contextlib.suppress(httpx.HTTPError):
                    if (await http.get("/readyz")).status_code == 200:
                        return
                await asyncio.sleep(RETRY_S)
        raise AssertionError("the server did not become ready")

    async def kill(self) -> None:
        if self._running is not None:
            self._running.kill()
            await asyncio.to_thread(self._running.wait)


@dataclass
class Client:
    token: str
    account_id: UUID
    patients: list[UUID]


@dataclass
class Town:
    """What there is to book, and what was acknowledged: key → (appointment, slot, status)."""

    clients: list[Client]
    slots: list[UUID]
    acked: dict[str, tuple[UUID, UUID, str]] = field(default_factory=dict)
    acked_at: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)


async def a_town(settings: Settings, *, patients: int, days: int) -> Town:
    """`patients` for each client; every day several departments, some with very few places."""
    clients, rows, cares = [], [], []
    for number in range(CLIENTS):
        token, actor = await log_in(settings, f"openid-{number}")
        theirs = [uuid4() for _ in range(patients)]
        for patient_id in theirs:
            facts: dict[str, Any] = {
                "consortium_id": settings.consortium_id, "created_at": clock.now(),
            }  # fmt: skip
            rows.append(
                Patient(
                    id=patient_id, name="王桂兰", id_kind="passport", id_sealed="t1:x",
                    id_index=patient_id.hex, birth_on=clock.today(), sex="female", **facts,
                )
            )  # fmt: skip
            cares.append(
                Carer(
                    id=uuid4(), patient_id=patient_id, account_id=actor.account_id,
                    relation="other", scope="manage", state="active", **facts,
                )
            )  # fmt: skip
        clients.append(Client(token, actor.account_id, theirs))
    await Patient.bulk_create(rows, batch_size=500)
    await Carer.bulk_create(cares, batch_size=500)
    slots = []
    for number in range(6):
        clinic = await a_clinic(settings)
        for day in range(2, 2 + days):
            on = clock.today() + timedelta(days=day)
            capacity = (CLIENTS * patients, 15, 5)[number % 3]
            slots += await a_schedule(settings, clinic, on=on, capacity=capacity)
    return Town(clients, [slot.id for slot in slots])


async def live(client: Client, town: Town, url: str, stop: asyncio.Event, seed: int) -> None:
    """Book and now and then cancel, until told to stop; each request until it is answered."""
    dice = random.Random(seed)
    mine: list[str] = []
    async with plain_http(
        base_url=f"{url}/api/v1",
        timeout=ANSWER_S,
        headers={"authorization": f"Bearer {client.token}"},
    ) as http:
        while not stop.is_set():
            if mine and dice.random() < 0.2:
                key = mine.pop(dice.randrange(len(mine)))
                appointment, slot, _ = town.acked[key]
                answer = await insist(http, f"/appointments/{appointment}/cancel", {}, uuid4().hex)
                town.answers[f"cancel {answer.status_code}"] += 1
                if answer.status_code == 200:
                    town.acked[key] = (appointment, slot, "cancelled")
                    town.acked_at.append(time.monotonic())
                continue
            slot, key = dice.choice(town.slots), uuid4().hex
            form = {"slot_id": str(slot), "patient_id": str(dice.choice(client.patients))}
            answer = await insist(http, "/appointments", form, key)
            town.answers[f"book {answer.status_code}"] += 1
            if answer.status_code == 201:
                town.acked[key] = (UUID(answer.json()["id"]), slot, "booked")
                town.acked_at.append(time.monotonic())
                mine.append(key)


async def insist(http: httpx.AsyncClient, path: str, form: Any, key: str) -> httpx.Response:
    """The same request again and again until somebody answers."""
    deadline = time.monotonic() + GIVE_UP_S
    while True:
        with contextlib.suppress(httpx.TransportError):
            answer = await http.post(path, json=form, headers={"idempotency-key": key})
            if answer.status_code < 500:
                return answer
            assert answer.status_code == 503, answer.text
        assert time.monotonic() < deadline, "nobody answered for a minute"
        await asyncio.sleep(RETRY_S)


@contextlib.asynccontextmanager
async def looking(settings: Settings) -> AsyncIterator[None]:
    """The database, opened only while no server has it: SQLite wants one process."""
    await database.connect(settings)
    try:
        yield
    finally:
        await database.disconnect()


async def check(town: Town) -> dict[str, int]:
    """What the database says about what was acknowledged."""
    rows = {row.id: row for row in await Appointment.all()}
    receipts = await IdempotencyKey.filter(status=201)
    by_key = Counter((row.account_id, row.key) for row in receipts)
    told = {row.key: UUID(json.loads(row.answer)["id"]) for row in receipts}
    events = await AppointmentEvent.filter(action="book").values_list("appointment_id", flat=True)
    lost = sum(
        found is None or (found.slot_id, found.status) != (slot, status) or told.get(key) != one
        for key, (one, slot, status) in town.acked.items()
        for found in [rows.get(one)]
    )
    doubled = len(rows) - len(receipts) + sum(n > 1 for n in by_key.values())
    living = Counter(row.slot_id for row in rows.values() if row.status in LIVING)
    slots = await Slot.filter(id__in=town.slots)
    return {
        "lost": lost,
        "doubled": abs(doubled) + abs(len(events) - len(rows)),
        "oversold": sum(slot.booked > slot.capacity for slot in slots),
        "miscounted": sum(slot.booked != living[slot.id] for slot in slots),
    }


async def crash(
    settings: Settings,
    server: Server,
    *,
    rounds: int,
    patients: int,
    days: int,
    between: int,
) -> dict[str, Any]:
    """`rounds` kills under one load, at least `between` acknowledgements apart; the figures."""
    dice = random.Random(SEED)
    town = await a_town(settings, patients=patients, days=days)
    await database.disconnect()
    stop, recoveries = asyncio.Event(), []
    await server.start()
    load = [
        asyncio.create_task(live(client, town, server.url, stop, number))
        for number, client in enumerate(town.clients)
    ]
    try:
        for _ in range(rounds):
            acknowledged = len(town.acked_at)
            await reached(lambda n=acknowledged: len(town.acked_at) > n + between, load)  # type: ignore[misc]
            await asyncio.sleep(dice.random() * 0.3)  # the kill comes at any moment
            await server.kill()
            killed = time.monotonic()
            await server.start()
            await reached(lambda t=killed: town.acked_at[-1] > t, load)  # type: ignore[misc]
            recoveries.append(next(at for at in town.acked_at if at > killed) - killed)
        stop.set()
        async with asyncio.timeout(GIVE_UP_S):
            await asyncio.gather(*load)
    finally:
        for task in load:
            task.cancel()
        await asyncio.wait(load)
        await server.kill()
    async with looking(settings):
        found = await check(town)
    return {
        "rounds": rounds,
        "acknowledged": len(town.acked_at),
        **found,
        "recovery median s": statistics.median(recoveries),
        "recovery max s": max(recoveries),
        "sold out": town.answers["book 409"],
    }


async def reached(done: Any, load: list[asyncio.Task[None]]) -> None:
    """Wait for it, bounded; a client that failed is an error at once."""
    deadline = time.monotonic() + GIVE_UP_S
    while not done():
        for task in load:
            if task.done():
                task.result()
        assert time.monotonic() < deadline, "no acknowledgement in time"
        await asyncio.sleep(RETRY_S)


@pytest.fixture
def wired(settings: Settings, engine: str, request: pytest.FixtureRequest) -> Settings:
    """PostgreSQL goes with Redis here, as it is meant to be run."""
    if engine == "sqlite":
        return settings
    url = str(request.config.getoption("--redis-url"))
    return dataclasses.replace(settings, redis_url=Secret(url))


async def test_a_killed_server_loses_doubles_and_oversells_nothing(
    db: None, wired: Settings, tmp_path: Path
) -> None:
    figures = await crash(wired, Server(wired, tmp_path), rounds=2, patients=20, days=6, between=20)
    assert figures["acknowledged"] > 40
    for wrong in ("lost", "doubled", "oversold", "miscounted"):
        assert figures[wrong] == 0, figures


@pytest.mark.soak
async def test_thirty_kills(db: None, wired: Settings, tmp_path: Path, engine: str) -> None:
    from benchmarks.soak import note

    figures = await crash(
        wired, Server(wired, tmp_path, anew=True), rounds=30, patients=120, days=11, between=100
    )
    note(engine, "kill-9", figures)
    for wrong in ("lost", "doubled", "oversold", "miscounted"):
        assert figures[wrong] == 0, figures
