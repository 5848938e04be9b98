"""A county of 200,000 template rows, imported twice: time and peak memory.

    python -m benchmarks.import_rows [--rows 200000] [--database-url postgres://…]

The workbook is written by another process, so that the peak is the import's own. Fails when the
peak exceeds `PEAK_MIB_MOST`, or when the second import of the same file changes anything.
"""

import argparse
import asyncio
import base64
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from backend import db
from backend.county.importing import import_county
from backend.county.sheets import SHEETS
from backend.migrate import migrate
from backend.settings import Secret, Settings

ROWS = 200_000
PEAK_MIB_MOST = 300
ORGANIZATIONS, DEPARTMENTS_EACH = 20, 50
WEEK = ("周一", "周二", "周三", "周四", "周五")
HALVES = (("上午", "08:00", "11:30"), ("下午", "14:00", "17:00"))
KINDS = ("普通", "专病")
TEMPLATES_EACH = len(WEEK) * len(HALVES) * len(KINDS)
KEY = base64.b64encode(b"0123456789abcdef" * 2).decode()


def rows(templates: int) -> dict[str, Iterator[list[Any]]]:
    """Sheet's code → rows."""
    doctors = range(-(-templates // TEMPLATES_EACH))
    places = [
        (f"O{organization:02}", f"D{department:02}")
        for organization in range(ORGANIZATIONS)
        for department in range(DEPARTMENTS_EACH)
    ]

    def place(doctor: int) -> tuple[str, str]:
        return places[doctor % len(places)]

    def all_templates() -> Iterator[list[Any]]:
        for doctor in doctors:
            for weekday in WEEK:
                for period, starts, ends in HALVES:
                    for kind in KINDS:
                        yield [*place(doctor), f"P{doctor:06}", weekday, period, kind, starts, ends,
                               30, 4, None, "否", None, None]  # fmt: skip

    return {
        "consortium": iter([["大县医共体", "120"]]),
        "organizations": (
            [f"O{n:02}", f"第 {n} 医院", "县级医院", "综合", None, "", "", None, None, ""]
            for n in range(ORGANIZATIONS)
        ),
        "departments": ([*at, f"科室 {at[1]}", "03", "", "头晕"] for at in places),
        "practitioners": ([f"P{n:06}", f"医生{n}", "主治医师", ""] for n in doctors),
        "roles": ([f"P{n:06}", *place(n), "主执业点", None, None] for n in doctors),
        "templates": all_templates(),
    }


def write(path: Path, templates: int) -> None:
    book = Workbook(write_only=True)
    content = rows(templates)
    for sheet in SHEETS:
        page = book.create_sheet(sheet.name)
        page.append([column.name for column in sheet.columns])
        for row in content.get(sheet.code, ()):
            page.append(row)
    book.save(path)


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def run(settings: Settings, path: Path) -> None:
    await migrate(settings)
    await db.connect(settings)
    try:
        print(f"before: {peak_mib():.0f} MiB")
        for attempt in ("first", "again"):
            started = time.perf_counter()
            difference = await import_county(settings.consortium, path)
            took_s = time.perf_counter() - started
            print(
                f"{attempt}: {difference.total} rows in {took_s:.1f} s, peak {peak_mib():.0f} MiB"
            )
        assert difference.empty, "the same file changed something"
        assert peak_mib() <= PEAK_MIB_MOST, f"more than {PEAK_MIB_MOST} MiB"
    finally:
        await db.disconnect()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--database-url")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "county.xlsx"
        writing = multiprocessing.get_context("spawn").Process(
            target=write, args=(path, chosen.rows)
        )
        writing.start()
        writing.join()
        url = chosen.database_url or f"sqlite://{folder}/county.sqlite3"
        settings = Settings(
            database_url=url, encryption_keys=Secret(f"b1:{KEY}"), index_key=Secret(KEY)
        )
        print(f"{chosen.rows} template rows, {path.stat().st_size / 1024 / 1024:.1f} MiB")
        asyncio.run(run(settings, path))


if __name__ == "__main__":
    main()
