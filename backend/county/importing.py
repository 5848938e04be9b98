"""`jiamenkou import`: the county's workbook into the database, all or nothing, as often as liked.

Three passes: read and check everything into a staging file; compare it with the database; write the
difference in one transaction. Memory is bounded by chunks of `CHUNK` rows, not by the file.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from tortoise.exceptions import IntegrityError

from backend import audit
from backend.booking import policies
from backend.booking.models import BookingPolicy
from backend.consortium import directory
from backend.county.comparing import compare
from backend.county.difference import Difference, SheetDifference
from backend.county.policy_versions import new_versions
from backend.county.reading import Progress, read_county
from backend.county.rows import TABLES, Record, Table, Writer
from backend.county.sheets import POLICIES
from backend.county.staging import CHUNK, Staging
from backend.db import transaction
from backend.identity.access import Actor
from backend.settings import TENANTS


class ImportCollision(Exception):
    """Somebody else changed the same rows meanwhile. Nothing was imported; try again."""

    def __init__(self) -> None:
        super().__init__("导入期间有人改动了同样的内容，没有导入任何内容；请重新导入")


def _silent(done: int, total: int | None, label: str) -> None:
    """Progress that nobody watches."""


async def import_county(
    consortium: str,
    path: Path,
    *,
    dry_run: bool = False,
    progress: Progress = _silent,
    actor: Actor | None = None,
) -> Difference:
    """Make the consortium (its code in the settings) what the workbook at `path` says.

    Rows that vanished from the file are retired (`active` false), or removed where nothing refers
    to them. Writes nothing when nothing differs, or with `dry_run`. Reads in a thread of its own,
    so that a server goes on. `actor`: who is named in the audit; None is who runs the command.

    Raises:
        WorkbookRejected: with every fault of the file.
        ImportCollision
    """
    writer = Writer(uuid5(TENANTS, consortium), consortium)
    with Staging() as staging:
        await asyncio.to_thread(read_county, path, writer.consortium_id, staging, progress)
        difference = await compare(staging, writer, progress)
        versions = await _policies(writer, staging, difference)
        if not dry_run and not difference.empty:
            doer = actor or Actor.operator(writer.consortium_id)
            await _write(doer, writer, staging, versions, difference, progress)
    return difference


async def _policies(
    writer: Writer, staging: Staging, difference: Difference
) -> list[BookingPolicy]:
    sheet = SheetDifference(POLICIES.name)
    difference.sheets.append(sheet)
    records: Iterable[Record] = (
        staged.record for chunk in staging.rows(POLICIES.code) for staged in chunk
    )
    return await new_versions(writer.consortium_id, records, sheet)


async def _write(
    actor: Actor,
    writer: Writer,
    staging: Staging,
    versions: list[BookingPolicy],
    difference: Difference,
    progress: Progress,
) -> None:
    done = 0
    try:
        async with transaction():
            for table in TABLES:
                label = f"写入 {table.sheet.name}"
                for chunk in staging.judged(table.sheet.code):
                    await _upsert(table, [writer.row(table, one.record) for one in chunk])
                    done += len(chunk)
                    progress(done, difference.total, label)
            for table in reversed(TABLES):
                for ids in staging.vanished(table.sheet.code):
                    await _retire(table, ids)
                    done += len(ids)
                    progress(done, difference.total, f"停用 {table.sheet.name}")
            await BookingPolicy.bulk_create(versions, batch_size=CHUNK)
            await audit.record(actor, "county.imported", changes=difference.counts())
    except IntegrityError as error:
        raise ImportCollision from error
    policies.forget()
    directory.forget()


async def _upsert(table: Table, rows: list[dict[str, Any]]) -> None:
    changeable = [name for name in rows[0] if name not in ("id", "consortium_id")]
    objects = [table.model(**row) for row in rows]
    await table.model.bulk_create(objects, update_fields=changeable, on_conflict=("id",))


async def _retire(table: Table, ids: list[UUID]) -> None:
    rows = table.model.filter(id__in=ids)
    if table.vanished == "retire":
        await rows.update(active=False)
    else:
        await rows.delete()
