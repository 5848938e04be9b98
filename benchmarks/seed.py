"""The county that is measured: straight into the tables, by COPY or executemany.

Ids are numbers in disguise (`uid`), so that pgbench and the load generators can name the same rows.
"""

import asyncio
import base64
import hashlib
import json
import random
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg

from backend import clock, db
from backend.migrate import migrate
from backend.settings import Secret, Settings

ACCOUNTS = 40_000  # each with a log-in and one patient in its care
ORGANIZATIONS, DEPARTMENTS_EACH, DOCTORS_EACH = 10, 10, 3
SLOTS_EACH = 6  # half hours of a morning
DAYS = 13  # from tomorrow on, within the 14 days that a township books ahead
CAPACITY = 1_000_000  # of every slot but those that are meant to fill
HERD_PLACES = 30
QUIET_CHECKS = 200  # a tenth of a second each
DEPARTMENTS = ORGANIZATIONS * DEPARTMENTS_EACH
SCHEDULES_A_DAY = DEPARTMENTS * DOCTORS_EACH
SLOTS_A_DAY = SCHEDULES_A_DAY * SLOTS_EACH
FIRST_SQLITE_DAY, ROUNDS_MOST = 4, 8  # SQLite takes another day in every round, one to warm up
RELEASED_DAY = DAYS  # the one everybody books in the random runs: the day just released
HOT_SLOT, FULL_SLOT, HERD_SLOT = 0, SLOTS_A_DAY, 2 * SLOTS_A_DAY  # on the first days

KEY = base64.b64encode(b"0123456789abcdef" * 2).decode()
# The kinds of rows, as the first digits of their ids.
ACCOUNT, SESSION, PATIENT, CARER, ORG, DEPT, DOCTOR, ROLE, SCHEDULE, SLOT = range(1, 11)
RESET_TABLES = ("appointment_event", "appointment", "audit_event", "idempotency_key")


def uid(kind: int, number: int) -> UUID:
    return UUID(f"{kind:08d}-0000-4000-8000-{number:012d}")


def token(account: int) -> str:
    """As long as a real one."""
    return f"{account:043d}"


def settings_for(database_url: str) -> Settings:
    return Settings(
        database_url=database_url, encryption_keys=Secret(f"b1:{KEY}"), index_key=Secret(KEY)
    )


def tables(county: UUID) -> Iterator[tuple[str, list[str], Iterable[tuple[Any, ...]]]]:
    """(table, columns, rows), each table after those it refers to."""
    now, today = clock.now(), clock.today()
    yield (
        "consortium",
        ["id", "code", "name", "emergency_phone"],
        [(county, "county", "测量县", "120")],
    )
    yield (
        "account",
        ["id", "consortium_id", "openid_index", "openid_sealed", "created_at"],
        ((uid(ACCOUNT, n), county, f"{n:064d}", "b1:x", now) for n in range(ACCOUNTS)),
    )
    yield (
        "session",
        [
            "id", "consortium_id", "account_id", "token_hash", "device", "created_at",
            "last_seen_at", "expires_at",
        ],
        (
            (
                uid(SESSION, n), county, uid(ACCOUNT, n),
                hashlib.sha256(token(n).encode()).hexdigest(), "bench", now, now,
                now + timedelta(days=30),
            )
            for n in range(ACCOUNTS)
        ),
    )  # fmt: skip
    yield (
        "patient",
        [
            "id", "consortium_id", "name", "id_kind", "id_sealed", "id_index", "birth_on", "sex",
            "created_at",
        ],
        (
            (
                uid(PATIENT, n), county, "王桂兰", "resident_id", "b1:x", f"{n:064d}",
                date(1950, 1, 1), "female", now,
            )
            for n in range(ACCOUNTS)
        ),
    )  # fmt: skip
    yield (
        "carer",
        [
            "id", "consortium_id", "patient_id", "account_id", "relation", "scope", "state",
            "is_default", "created_at",
        ],
        (
            (
                uid(CARER, n), county, uid(PATIENT, n), uid(ACCOUNT, n), "self", "manage",
                "active", True, now,
            )
            for n in range(ACCOUNTS)
        ),
    )  # fmt: skip
    yield from _places(county)
    yield from _schedules(county, today)


def _places(county: UUID) -> Iterator[tuple[str, list[str], Iterable[tuple[Any, ...]]]]:
    yield (
        "organization",
        [
            "id", "consortium_id", "code", "name", "tier", "kind", "address", "phone", "latitude",
            "longitude", "hours", "active",
        ],
        (
            (
                uid(ORG, n), county, f"O{n:02d}", f"青石镇第{n}卫生院", "township", "general",
                f"青石镇人民路 {n} 号", "0571-00000000", 30.0 + n / 100, 120.0 + n / 100,
                "周一至周日 8:00-17:00", True,
            )
            for n in range(ORGANIZATIONS)
        ),
    )  # fmt: skip
    yield (
        "department",
        [
            "id", "consortium_id", "organization_id", "code", "name", "specialty_code",
            "location", "keywords", "active",
        ],
        (
            (
                uid(DEPT, n), county, uid(ORG, n // DEPARTMENTS_EACH), f"D{n:03d}", "全科医疗科",
                "02", "门诊楼2楼东", "头晕 咳嗽 发热", True,
            )
            for n in range(DEPARTMENTS)
        ),
    )  # fmt: skip
    yield (
        "practitioner",
        ["id", "consortium_id", "code", "name", "title", "good_at", "active"],
        (
            (uid(DOCTOR, n), county, f"P{n:04d}", "李建国", "主治医师", "高血压、糖尿病", True)
            for n in range(SCHEDULES_A_DAY)
        ),
    )
    yield (
        "practitioner_role",
        ["id", "consortium_id", "practitioner_id", "department_id", "kind"],
        (
            (uid(ROLE, n), county, uid(DOCTOR, n), uid(DEPT, n // DOCTORS_EACH), "main")
            for n in range(SCHEDULES_A_DAY)
        ),
    )


def _schedules(
    county: UUID, today: date
) -> Iterator[tuple[str, list[str], Iterable[tuple[Any, ...]]]]:
    def when(number: int) -> tuple[date, datetime]:
        held_on = today + timedelta(days=1 + number // SCHEDULES_A_DAY)
        return held_on, clock.at(held_on, time(8))

    def schedule(number: int) -> tuple[Any, ...]:
        doctor, (held_on, first) = number % SCHEDULES_A_DAY, when(number)
        department = doctor // DOCTORS_EACH
        return (
            uid(SCHEDULE, number), county, uid(ORG, department // DEPARTMENTS_EACH),
            uid(DEPT, department), uid(DOCTOR, doctor), held_on, "am", "general", first,
            first + timedelta(minutes=30 * SLOTS_EACH), 1200, "open",
        )  # fmt: skip

    def slot(number: int) -> tuple[Any, ...]:
        _, first = when(number // SLOTS_EACH)
        starts_at = first + timedelta(minutes=30 * (number % SLOTS_EACH))
        capacity = HERD_PLACES if number in (FULL_SLOT, HERD_SLOT) else CAPACITY
        booked = capacity if number == FULL_SLOT else 0
        return (
            uid(SLOT, number), county, uid(SCHEDULE, number // SLOTS_EACH), "public", starts_at,
            starts_at + timedelta(minutes=30), capacity, booked, True,
        )  # fmt: skip

    yield (
        "schedule",
        [
            "id", "consortium_id", "organization_id", "department_id", "practitioner_id",
            "held_on", "period", "kind", "starts_at", "ends_at", "fee_fen", "status",
        ],
        (schedule(n) for n in range(SCHEDULES_A_DAY * DAYS)),
    )  # fmt: skip
    yield (
        "slot",
        [
            "id", "consortium_id", "schedule_id", "pool", "starts_at", "ends_at", "capacity",
            "booked", "open",
        ],
        (slot(n) for n in range(SLOTS_A_DAY * DAYS)),
    )  # fmt: skip


# --- PostgreSQL -----------------------------------------------------------------------------------


def beside(admin_url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return urlunsplit(urlsplit(admin_url)._replace(path=f"/{name}"))


async def create_postgres(admin_url: str, name: str) -> str:
    """A migrated, filled database of that name; returns its URL."""
    await _run(admin_url, f"CREATE DATABASE {name}")
    url = beside(admin_url, name)
    settings = settings_for(url)
    await migrate(settings)
    connection = await asyncpg.connect(url)
    try:
        for table, columns, rows in tables(settings.consortium_id):
            await connection.copy_records_to_table(table, records=rows, columns=columns)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    return url


async def drop_postgres(admin_url: str, name: str) -> None:
    await _run(admin_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def reset(url: str) -> None:
    """As if nothing had been booked: everybody begins with the same tables."""
    connection = await asyncpg.connect(url)
    try:
        await _quiet(connection)
        await connection.execute(f"TRUNCATE {', '.join(RESET_TABLES)} CASCADE")
        await connection.execute(
            "UPDATE slot SET booked = 0 WHERE booked <> 0 AND id <> $1", uid(SLOT, FULL_SLOT)
        )
        await connection.execute("VACUUM slot")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _quiet(connection: asyncpg.Connection) -> None:
    """Wait until nobody works in this database any more: clients leave before their answer."""
    for _ in range(QUIET_CHECKS):
        if not await connection.fetchval(WORKING):
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("somebody still works in the database")


WORKING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
  AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'
"""
COUNTS = """
SELECT (SELECT count(*) FROM appointment) AS appointments,
  (SELECT count(*) FROM appointment_event) AS events,
  (SELECT count(*) FROM audit_event WHERE action = 'appointment.booked') AS audits,
  (SELECT count(*) FROM idempotency_key) AS receipts,
  (SELECT sum(booked) FROM slot WHERE id <> $1) AS places
"""


async def written(url: str) -> int:
    """How many bookings are in the books. Fails unless every table tells the same."""
    connection = await asyncpg.connect(url)
    try:
        await _quiet(connection)
        row = dict(await connection.fetchrow(COUNTS, uid(SLOT, FULL_SLOT)))
    finally:
        await connection.close()
    assert len(set(row.values())) == 1, f"the books do not agree: {row}"
    return int(row["appointments"])


# --- SQLite ---------------------------------------------------------------------------------------


def create_sqlite(path: Path) -> str:
    """A migrated, filled database file; returns its URL."""
    url = f"sqlite://{path}"
    settings = settings_for(url)
    asyncio.run(migrate(settings))
    with sqlite3.connect(path) as connection:
        for table, columns, rows in tables(settings.consortium_id):
            places = ", ".join("?" * len(columns))
            connection.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})",
                (db.plain(row) for row in rows),
            )
        connection.execute("ANALYZE")
    connection.close()
    return url


def written_on_sqlite(path: Path) -> int:
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        row = connection.execute(COUNTS.replace("$1", f"'{uid(SLOT, FULL_SLOT)}'")).fetchone()
    finally:
        connection.close()
    assert len(set(row)) == 1, f"the books do not agree: {row}"
    return int(row[0])


# --- what the clients ask -------------------------------------------------------------------------


def write_requests(folder: Path) -> None:
    """One file a workload, one request a line: token, slot, patient; or a path."""
    dice = random.Random(20261101)

    def bookings(name: str, slot_of: Any) -> None:
        everybody = list(range(ACCOUNTS))
        dice.shuffle(everybody)
        lines = (f"{token(n)} {uid(SLOT, slot_of())} {uid(PATIENT, n)}\n" for n in everybody)
        (folder / name).write_text("".join(lines))

    for day in range(FIRST_SQLITE_DAY - 1, DAYS + 1):
        first = (day - 1) * SLOTS_A_DAY
        bookings(f"random-{day}", lambda first=first: first + dice.randrange(SLOTS_A_DAY))
    bookings("hot", lambda: HOT_SLOT)
    bookings("full", lambda: FULL_SLOT)
    (folder / "hello").write_text("/\n")
    (folder / "cached").write_text(_list_path(0, 0, 9, "") + "\n")
    paths = [
        _list_path(department, from_day, to_day, more)
        for department in range(DEPARTMENTS)
        for from_day in range(DAYS)
        for to_day in range(from_day + 9, DAYS)
        for more in (
            "", "&kind=general", f"&organization={uid(ORG, department // DEPARTMENTS_EACH)}",
            f"&kind=general&organization={uid(ORG, department // DEPARTMENTS_EACH)}",
        )
    ]  # fmt: skip
    dice.shuffle(paths)
    (folder / "uncached").write_text("".join(f"{path}\n" for path in paths))


def _list_path(department: int, from_day: int, to_day: int, more: str) -> str:
    """Thirty schedules of one department. Days count from tomorrow."""
    first = clock.today() + timedelta(days=1)
    from_on, to_on = first + timedelta(days=from_day), first + timedelta(days=to_day)
    return (
        f"/api/v1/schedules?department={uid(DEPT, department)}&from={from_on}&to={to_on}"
        f"&limit=30{more}"
    )


def example_answer() -> str:
    """About what an answer weighs that is kept with its key, for pgbench to write as well."""
    return json.dumps({"example": "家" * 300}, ensure_ascii=False)
