"""How long a suspension takes: 300 people have booked one doctor's day.

python -m benchmarks.suspension                  on SQLite
python -m benchmarks.suspension postgres://…     on a database that is dropped afterwards
"""

import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import asyncpg
import structlog

from backend import clock, db
from backend.booking.models import Appointment
from backend.migrate import migrate
from backend.suspension import previews, undoing
from backend.suspension.chosen import Chosen
from backend.suspension.models import SuspensionCase
from tests.conftest import NOON, make_settings
from tests.suspension.clinics import a_stop

PEOPLE, SLOTS = 300, 8


async def measure(url: str) -> None:
    settings = make_settings(url)
    await migrate(settings)
    await db.connect(settings)
    try:
        with clock.stopped(NOON):
            stop = await a_stop(settings, capacity=PEOPLE // SLOTS + 1, slots=SLOTS)
            for number in range(PEOPLE):
                await stop.book(stop.slots[number % SLOTS])
            chosen = Chosen(schedule_ids=(stop.schedule_id,))
            began, worked = time.perf_counter(), time.process_time()
            found = await previews.preview(stop.admin, chosen)
            looked = time.perf_counter()
            suspension_id = await stop.suspend()
            stopped, took = time.perf_counter(), time.process_time() - worked
            assert len(found.touched) == await SuspensionCase.filter(outcome="offered").count()
            await undoing.undo(stop.admin, suspension_id)
            undone = time.perf_counter()
            assert await Appointment.filter(status="booked").count() == PEOPLE
    finally:
        await db.disconnect()
    print(
        f"{PEOPLE} people: preview {looked - began:.2f} s, stopped with a place held for each"
        f" {stopped - looked:.2f} s ({took / PEOPLE * 1000:.1f} ms of our processor a person),"
        f" undone {undone - stopped:.2f} s"
    )


async def on_postgres(admin: str) -> None:
    name = f"jiamenkou_bench_{uuid4().hex[:8]}"
    connection = await asyncpg.connect(admin)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
        try:
            await measure(f"{admin.rpartition('/')[0]}/{name}")
        finally:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    if len(sys.argv) > 1:
        asyncio.run(on_postgres(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure(f"sqlite://{Path(folder) / 'bench.sqlite3'}"))
