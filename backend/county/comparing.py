"""The second pass: staged rows against the database, in chunks. Notes verdicts, writes nothing."""

from typing import Any
from uuid import UUID

from backend.booking.models import ScheduleTemplate
from backend.county.difference import Difference, SheetDifference
from backend.county.reading import Progress
from backend.county.rows import FROM_FILE, TABLES, Record, Row, Table, Writer, in_words
from backend.county.staging import CHUNK, Staged, Staging


async def compare(staging: Staging, writer: Writer, progress: Progress) -> Difference:
    """Note what is to be written and what has vanished; tell the difference.

    Policies are not compared here: see `policy_versions`.
    """
    difference = Difference()
    done = 0
    for table in TABLES:
        sheet = SheetDifference(table.sheet.name)
        difference.sheets.append(sheet)
        for chunk in staging.rows(table.sheet.code):
            await _compare(table, writer, staging, chunk, sheet)
            done += len(chunk)
            progress(done, None, f"比对 {table.sheet.name}")
        if table.vanished != "keep":
            await _find_vanished(table, writer, staging, sheet)
    return difference


async def _compare(
    table: Table, writer: Writer, staging: Staging, chunk: list[Staged], sheet: SheetDifference
) -> None:
    wanted = [(staged, writer.row(table, staged.record)) for staged in chunk]
    names = list(wanted[0][1])
    found = await table.model.filter(id__in=[row["id"] for _, row in wanted]).values(*names)
    before: dict[UUID, Row] = {row["id"]: row for row in found}
    judged = []
    for staged, row in wanted:
        there = before.get(row["id"])
        if there == row:
            continue
        judged.append(staged.place)
        if there is None:
            sheet.add(_key(table, staged.record) if sheet.wants_sample("+") else "")
        else:
            told = sheet.wants_sample("~")
            sheet.change(_change(table, staged.record, there, row) if told else "")
    staging.judge(table.sheet.code, judged)


def _key(table: Table, record: Record) -> str:
    """The row's key, and its name where it has one, as the workbook writes them."""
    values = {name: record[name] for name in table.sheet.key} | (
        {"name": record["name"]} if "name" in record else {}
    )
    return " ".join(
        in_words(table.sheet, name, value) for name, value in values.items() if value is not None
    )


def _change(table: Table, record: Record, before: Row, after: Row) -> str:
    columns = {column.field: column.name for column in table.sheet.columns} | {"active": "启用"}
    told = []
    for name, value in after.items():
        if before[name] == value:
            continue
        heading = columns.get(name) or columns.get(name.removesuffix("_id"), name)
        if name.endswith("_id"):
            told.append(f"{heading} 改变")
        else:
            old, new = (in_words(table.sheet, name, one) for one in (before[name], value))
            told.append(f"{heading} {old} → {new}")
    return f"{_key(table, record)}: {', '.join(told)}"


async def _find_vanished(
    table: Table, writer: Writer, staging: Staging, sheet: SheetDifference
) -> None:
    """Rows of the database, still in use, that the file no longer has."""
    wanted: dict[str, Any] = {"consortium_id": writer.consortium_id}
    if table.vanished == "retire":
        wanted["active"] = True
    if table.from_file:
        wanted["code__startswith"] = FROM_FILE
    rows = table.model.filter(**wanted).order_by("id").limit(CHUNK)
    last: UUID | None = None
    while True:
        page = rows if last is None else rows.filter(id__gt=last)
        ids = [UUID(str(id)) for id in await page.values_list("id", flat=True)]
        if not ids:
            return
        gone = sorted(staging.missing(ids))
        staging.vanish(table.sheet.code, gone)
        if gone and table.model is ScheduleTemplate:
            made = ScheduleTemplate.filter(id__in=gone)
            sheet.made_here += await made.exclude(code__startswith=FROM_FILE).count()
        await _tell_vanished(table, gone, sheet)
        last = ids[-1]


async def _tell_vanished(table: Table, gone: list[UUID], sheet: SheetDifference) -> None:
    shown = gone[:CHUNK] if sheet.wants_sample("-") else []
    texts: dict[UUID, str] = {}
    if shown:
        rows = await table.model.filter(id__in=shown).values("id", *table.label)
        texts = {row["id"]: _label(table, row) for row in rows}
    for id in gone:
        sheet.retire(texts.get(id, ""))


def _label(table: Table, row: Row) -> str:
    return " ".join(
        in_words(table.sheet, name, row[name]) for name in table.label if row[name] is not None
    )
