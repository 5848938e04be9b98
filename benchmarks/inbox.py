"""How long a doctor's inbox takes among 100,000 conversations, by the verbs themselves.

    python -m benchmarks.inbox [--database postgres://…]

The database must be empty; without one, a SQLite file of its own. Prints the figures that stand in
RESULTS.md. Each look includes its audit rows (one for each patient shown) and their commit.
"""

import argparse
import asyncio
import dataclasses
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from tortoise.connection import get_connection

from backend import clock, db
from backend.chat import inbox
from backend.chat.lists import Wanted
from backend.chat.models import Conversation, Message
from backend.consortium.models import Consortium, Organization
from backend.identity.access import Actor, Grant
from backend.identity.models import Account, Patient
from backend.migrate import migrate
from backend.settings import Settings
from backend.staff.rights import RIGHTS
from benchmarks.seed import settings_for

CONVERSATIONS, LIVING_EACH, MESSAGES_EACH = 100_000, 500, 4
TOWNSHIPS, VILLAGES_EACH = 20, 10
PATIENTS, DOCTORS = 5_000, 200
ROWS_AT_ONCE = 2_000
LOOKS, WARM_UP = 60, 5
WORDS = ("头痛三天", "血压有点高", "孩子发烧", "膝盖疼", "想开药", "胃不舒服", "咳嗽", "睡不着")
RARE = "被蜱虫咬了"

Look = Callable[[], Awaitable[object]]


async def seed(settings: Settings) -> tuple[list[list[UUID]], list[UUID]]:
    """Each township with its villages, and the doctors."""
    county, now = settings.consortium_id, clock.now()
    await Consortium.create(id=county, code="county", name="测量县")
    towns = []
    for town in range(TOWNSHIPS):
        rows = [Organization(id=uuid4(), consortium_id=county, code=f"T{town}", name=f"镇{town}",
                             tier="township")]  # fmt: skip
        rows += [Organization(id=uuid4(), consortium_id=county, code=f"V{town}-{n}", name=f"村{n}",
                              tier="village", parent_id=rows[0].id)
                 for n in range(VILLAGES_EACH)]  # fmt: skip
        await Organization.bulk_create(rows)
        towns.append([row.id for row in rows])
    account = await Account.create(
        id=uuid4(), consortium_id=county, openid_index="x", openid_sealed="x", created_at=now
    )
    patients = [
        Patient(id=uuid4(), consortium_id=county, name=f"居民{n:04d}", id_kind="resident_id",
                id_sealed="x", id_index=f"{n}", birth_on=clock.today(), sex="female",
                created_at=now)
        for n in range(PATIENTS)
    ]  # fmt: skip
    await Patient.bulk_create(patients, batch_size=ROWS_AT_ONCE)
    doctors = [uuid4() for _ in range(DOCTORS)]
    chance = random.Random(5)
    for first in range(0, CONVERSATIONS, ROWS_AT_ONCE):
        rows = [
            _conversation(chance, number, settings.consortium_id, account.id, towns, doctors,
                          patients[number % PATIENTS].id, now)
            for number in range(first, first + ROWS_AT_ONCE)
        ]  # fmt: skip
        await Conversation.bulk_create(rows, batch_size=ROWS_AT_ONCE)
        said = [_message(chance, row, n) for row in rows for n in range(MESSAGES_EACH)]
        await Message.bulk_create(said, batch_size=ROWS_AT_ONCE)
    client = get_connection("default")
    await client.execute_query("ANALYZE")
    return towns, doctors


def _conversation(
    chance: random.Random,
    number: int,
    county: UUID,
    account_id: UUID,
    towns: list[list[UUID]],
    doctors: list[UUID],
    patient_id: UUID,
    now: datetime,
) -> Conversation:
    """The first 500 wait, the next 500 are open, all others are over; one in 50 went up."""
    state = "closed"
    if number < 2 * LIVING_EACH:
        waits = "escalated" if number % 5 == 0 else "waiting"
        state = waits if number < LIVING_EACH else "open"
    home = chance.choice(chance.choice(towns))
    away = chance.random() < 0.02
    ago = timedelta(minutes=chance.uniform(0, 600 if state != "closed" else 500_000))
    doctor = chance.choice(doctors)
    return Conversation(
        id=uuid4(), consortium_id=county, account_id=account_id, patient_id=patient_id,
        organization_id=chance.choice(towns)[0] if away else home, home_id=home, state=state,
        opened_at=now - ago, last_at=now - ago, queued_at=now - ago, last_seq=MESSAGES_EACH,
        priority=chance.choices(("I", "II", "III", "IV"), (1, 4, 15, 80))[0],
        due_at=now + timedelta(minutes=5) if state != "closed" else None, routed_by="contract",
        assigned_to=doctor if state == "waiting" else None, preview=chance.choice(WORDS),
        claimed_by=doctor if state in ("open", "closed") else None,
        staff_unread=int(state != "closed"),
    )  # fmt: skip


def _message(chance: random.Random, row: Conversation, number: int) -> Message:
    rare = chance.random() < 0.0002
    return Message(
        id=uuid4(), conversation_id=row.id, seq=number + 1, client_id=f"c{number}",
        request_hash="x", author_kind="doctor" if number % 2 else "resident", kind="text",
        body=RARE if rare else chance.choice(WORDS) * 3, at=row.last_at,
    )  # fmt: skip


def _actor(settings: Settings, role: str, places: list[UUID] | None, staff_id: UUID) -> Actor:
    within = None if places is None else frozenset(places)
    return Actor(
        settings.consortium_id, "staff", staff_id, grants=(Grant(role, within, RIGHTS[role]),)
    )


async def measure(settings: Settings) -> None:
    await migrate(settings)
    await db.connect(settings)
    began = time.perf_counter()
    towns, doctors = await seed(settings)
    print(f"seeded in {time.perf_counter() - began:.0f} s")
    doctor = _actor(settings, "doctor", towns[0], doctors[0])
    admin = _actor(settings, "consortium_admin", None, uuid4())
    print("| list | of a doctor: township and 10 villages | of the county's administrator |")
    print("|---|---|---|")
    for name, wanted in (
        ("waits, by priority", Wanted(list="queue")),
        ("mine", Wanted(list="mine")),
        ("escalated", Wanted(list="escalated")),
        ("open, unread", Wanted(list="open", unread=True)),
        ("closed", Wanted(list="closed")),
        ("closed, priority I", Wanted(list="closed", priority="I")),
        ("closed, rare words", Wanted(list="closed", q=RARE)),
    ):
        figures = [await _timed(_listed(who, wanted)) for who in (doctor, admin)]
        print(f"| {name} | {' | '.join(figures)} |")
    figures = [await _timed(await _deep(who)) for who in (doctor, admin)]
    print(f"| closed, page 40 | {' | '.join(figures)} |")
    figures = [await _timed(_news(who)) for who in (doctor, admin)]
    print(f"| whether there is news | {' | '.join(figures)} |")
    await db.disconnect()


def _listed(who: Actor, wanted: Wanted, after: str | None = None) -> Look:
    return lambda: inbox.list_of(who, wanted, after=after)


def _news(who: Actor) -> Look:
    return lambda: inbox.news(who)


async def _deep(who: Actor) -> Look:
    wanted, after = Wanted(list="closed"), None
    for _ in range(39):
        page = await inbox.list_of(who, wanted, after=after)
        after = page.after or after
    return _listed(who, wanted, after)


async def _timed(look: Look) -> str:
    """Milliseconds: median / p95 / most."""
    took = []
    for number in range(WARM_UP + LOOKS):
        began = time.perf_counter()
        await look()
        if number >= WARM_UP:
            took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return f"{statistics.median(took):.1f} / {took[int(len(took) * 0.95)]:.1f} / {took[-1]:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", default="")
    database = parser.parse_args().database
    print(f"{CONVERSATIONS} conversations, {LOOKS} looks each, 50 lines a page: ms, "
          "median / p95 / most")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(database or f"sqlite://{folder}/inbox.sqlite3")
        asyncio.run(measure(dataclasses.replace(settings, log_level="WARNING")))


if __name__ == "__main__":
    main()
