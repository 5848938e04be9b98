"""How often each page and each list asks the database, and how long it takes, few rows and many.

    python -m benchmarks.pages [postgres://…] [--no-results]

On SQLite, and on a PostgreSQL database of its own that is dropped afterwards. It looks at every
staff page and every GET of the API, as `tests/web/test_every_list.py` does, and writes its section
of RESULTS.md. Client and server share a process: what is shown includes the client. On a busy
machine the clock tells of the others; the process's own work (its CPU time, SQLite's included,
PostgreSQL's not) does not. Answers that are kept for some seconds are made anew each time.
"""

import argparse
import asyncio
import logging
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import asyncpg
import httpx
import structlog

from backend import clock, db, recent, snapshots
from backend.api import cache
from backend.booking.places import Places
from backend.main import create_app
from backend.migrate import migrate
from backend.protocol import Limits
from backend.serving import listen, serving
from benchmarks import report
from tests.conftest import NOON, make_settings
from tests.grown import Grown, a_grown
from tests.statements import statements
from tests.web.conftest import Desk, Pages
from tests.web.test_every_list import (
    PAGES,
    ROUTES,
    address_of,
    api,
    everybodys_desk,
    look,
    phone_of,
    staff,
)

FEW, MORE = 3, 57  # of everything, then so many more
REQUESTS, WARM_UP = 20, 2  # of each page
TRIES = 5
TARGET_MS = 300
STILL = SimpleNamespace(monotonic=lambda: 0.0)


@dataclass
class Found:
    """Of one page on one database: statements with few rows and then many; milliseconds with many,
    by the clock and of this process's work, the least first."""

    asked: list[int] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)


Figures = dict[str, Found]
EVERYTHING = {**staff(PAGES), **api(ROUTES)}


async def measure(url: str) -> Figures:
    settings = make_settings(url)
    await migrate(settings)
    found: Figures = {}
    sock = listen("127.0.0.1", 0)
    app = create_app(settings)
    base = f"http://127.0.0.1:{sock.getsockname()[1]}"
    with clock.stopped(NOON):
        async with (
            serving(app, sock, Limits(per_address_most=0), drain_s=0.2),
            httpx.AsyncClient(base_url=base, timeout=30, trust_env=False) as http,
        ):
            town = await a_grown(settings)
            pages = Pages(http, app.ctx.service, settings)
            desk, phone = await everybodys_desk(pages, town), await phone_of(pages, town)
            await town.grow(FEW)
            await count_all(town, desk, phone, found)
            await town.grow(MORE)
            await count_all(town, desk, phone, found)
            await time_all(town, desk, phone, found)
    await db.disconnect()
    return found


async def count_all(town: Grown, desk: Desk, phone: httpx.AsyncClient, found: Figures) -> None:
    for path, place in EVERYTHING.items():
        url, who = address_of(path, place, town, desk)
        desk.service.desk.places = Places()
        # What is kept for a while is kept meanwhile, or its reading anew would be counted.
        with patch.object(recent, "monotonic", lambda: 0.0), patch.object(snapshots, "time", STILL):
            await asked_of(phone, url, who)
            desk.service.desk.places = Places()
            found.setdefault(path, Found()).asked.append(await asked_of(phone, url, who))


async def asked_of(phone: httpx.AsyncClient, url: str, who: dict[str, str]) -> int:
    """Statements of an answer. A busy machine may give up: then it is asked again."""
    for _ in range(TRIES):
        with statements() as asked:
            status, _ = await look(phone, url, who)
        if status < 500:
            return len(asked)
    raise AssertionError(url)


async def time_all(town: Grown, desk: Desk, phone: httpx.AsyncClient, found: Figures) -> None:
    for path, place in EVERYTHING.items():
        url, who = address_of(path, place, town, desk)
        for number in range(WARM_UP + REQUESTS):
            began, busy = time.perf_counter(), time.process_time()
            await look(phone, url, who)
            if number >= WARM_UP:
                found[path].took.append((time.perf_counter() - began) * 1000)
                found[path].worked.append((time.process_time() - busy) * 1000)
        found[path].took.sort()
        found[path].worked.sort()


async def on_sqlite(_: str) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        return await measure(f"sqlite://{Path(folder) / 'pages.sqlite3'}")


async def on_postgres(admin: str) -> Figures:
    name = f"jiamenkou_bench_{uuid4().hex[:8]}"
    connection = await asyncpg.connect(admin)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
        try:
            return await measure(f"{admin.rpartition('/')[0]}/{name}")
        finally:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


def in_a_process(run: Callable[[str], Coroutine[Any, Any, Figures]], url: str) -> Figures:
    """Tortoise keeps the statements of the first database that a process sees."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_run, run, url).result()


def _run(run: Callable[[str], Coroutine[Any, Any, Figures]], url: str) -> Figures:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with patch.object(cache.Cache, "get", lambda *_: None):
        return asyncio.run(run(url))


def table(by_engine: dict[str, Figures], load: float) -> str:
    columns = [f"{engine}: statements | by the clock | of work" for engine in by_engine]
    lines = [f"| | {' | '.join(columns)} |", "|---|" + "---|---|---|" * len(by_engine)]
    for path in EVERYTHING:
        cells = [_cells(found[path]) for found in by_engine.values()]
        lines.append(f"| `{path.replace('|', chr(92) + '|')}` | {' | '.join(cells)} |")
    machine = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {load:.1f}."
    return "\n\n".join([machine + " " + _verdict(by_engine), "\n".join(lines)])


def _cells(one: Found) -> str:
    few, many = one.asked
    asked = f"{few}" if few == many else f"**{few} → {many}**"
    times = (f"{statistics.median(each):.0f} / {_p95(each):.0f}" for each in (one.took, one.worked))
    return " | ".join([asked, *times])


def _verdict(by_engine: dict[str, Figures]) -> str:
    told = []
    for engine, found in by_engine.items():
        growing = sum(one.asked[0] != one.asked[1] for one in found.values())
        slow = [f"`{path}`" for path, one in found.items() if _p95(one.took) > TARGET_MS]
        told.append(
            f"{engine}: {len(found)} pages and lists, {growing} of which do not ask as often for"
            f" {FEW + MORE} rows as for {FEW}; {len(slow)} above {TARGET_MS} ms by the clock at p95"
            f"{' (' if slow else ''}{', '.join(slow)}{')' if slow else ''}."
        )
    return " ".join(told)


def _p95(times: list[float]) -> float:
    return times[int(len(times) * 0.95)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("postgres", nargs="?", default="")
    parser.add_argument("--no-results", action="store_true", help="leave RESULTS.md as it is")
    wanted = parser.parse_args()
    found = {"SQLite": in_a_process(on_sqlite, "")}
    if wanted.postgres:
        found["PostgreSQL"] = in_a_process(on_postgres, wanted.postgres)
    text = table(found, os.getloadavg()[0])
    print(text)
    if not wanted.no_results:
        report.rewrite("pages", text)


if __name__ == "__main__":
    main()
