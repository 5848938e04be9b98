"""All or nothing, as often as liked: what an import leaves in the database."""

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from tortoise.models import Model

from backend.audit import AuditEvent
from backend.booking.models import BookingPolicy, Fee, ScheduleException, ScheduleTemplate
from backend.booking.policies import policies
from backend.clock import Hands
from backend.consortium.models import (
    Announcement,
    Consortium,
    Department,
    Organization,
    Practitioner,
    PractitionerRole,
)
from backend.county import importing
from backend.county.faults import WorkbookRejected
from backend.county.importing import ImportCollision, import_county
from backend.county.rows import Table
from backend.county.sheets import SHEETS
from backend.county.staging import CHUNK
from backend.settings import Settings

Rows = dict[str, list[list[Any]]]
Save = Callable[[Rows], Path]

MODELS: tuple[type[Model], ...] = (
    Consortium, Organization, Department, Practitioner, PractitionerRole, ScheduleTemplate,
    ScheduleException, Fee, Announcement, BookingPolicy, AuditEvent,
)  # fmt: skip


async def everything() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table that an import writes."""
    return {model.__name__: await model.all().order_by("id").values() for model in MODELS}


async def counts(consortium: str, path: Path, *, dry_run: bool = False) -> dict[str, list[int]]:
    return (await import_county(consortium, path, dry_run=dry_run)).counts()


async def test_the_small_county_arrives(db: None, small: Rows, save: Save) -> None:
    assert await counts("test", save(small)) == {
        "医共体": [1, 0, 0], "医疗机构": [3, 0, 0], "科室": [3, 0, 0], "医生": [2, 0, 0],
        "执业点": [3, 0, 0], "排班模板": [3, 0, 0], "排班例外": [1, 0, 0], "收费": [2, 0, 0],
        "公告": [2, 0, 0], "预约规则": [1, 0, 0],
    }  # fmt: skip
    village = await Organization.get(code="CUN").prefetch_related("parent")
    assert (village.tier, village.parent.code, village.latitude) == ("village", "XIANG", 28.5)
    outreach = await ScheduleTemplate.get(kind="outreach").prefetch_related("practitioner")
    assert outreach.practitioner.name == "林知远"
    assert (outreach.weekday, outreach.starts, outreach.fee_fen) == (3, "14:00", 500)
    assert await PractitionerRole.filter(practitioner__code="1001").count() == 2
    assert (await Fee.get(kind="general")).amount_fen == 1050
    policy = await BookingPolicy.get()
    assert (policy.version, policy.numbers) == (1, {"horizon_days": 7, "release_at": "07:00"})
    event = await AuditEvent.get()
    assert (event.action, event.actor_kind) == ("county.imported", "operator")
    assert event.detail["changes"]["科室"] == [3, 0, 0]


async def test_the_same_file_twice_changes_nothing(db: None, small: Rows, save: Save) -> None:
    await import_county("test", save(small))
    before = await everything()
    assert (await import_county("test", save(small))).empty
    assert await everything() == before


async def test_the_order_of_rows_changes_nothing(db: None, small: Rows, save: Save) -> None:
    await import_county("test", save(small))
    for rows in small.values():
        rows.reverse()
    assert (await import_county("test", save(small))).empty


async def test_a_dry_run_tells_and_writes_nothing(db: None, small: Rows, save: Save) -> None:
    await import_county("test", save(small))
    before = await everything()
    small["organizations"][1][1] = "测试县人民医院"
    small["practitioners"].append(["1002", "余承舟", "主治医师", ""])
    del small["exceptions"][0]
    difference = await import_county("test", save(small), dry_run=True)
    assert difference.counts() == {
        "医疗机构": [0, 1, 0], "医生": [1, 0, 0], "排班例外": [0, 0, 1],
    }  # fmt: skip
    told = [sample for sheet in difference.sheets for sample in sheet.samples]
    assert told == [
        "~ XIAN 测试县人民医院: 机构名称 测试县医院 → 测试县人民医院",
        "+ 1002 余承舟",
        "- 2026-12-07 测试县医院 心血管内科 林知远",
    ]
    assert await everything() == before


async def test_vanished_rows_are_retired_or_removed(db: None, small: Rows, save: Save) -> None:
    await import_county("test", save(small))
    small["templates"] = [row for row in small["templates"] if row[2] != "1001"]
    small["roles"] = [row for row in small["roles"] if row[0] != "1001"]
    small["practitioners"] = small["practitioners"][1:]
    for code in ("exceptions", "fees", "announcements", "policies"):
        small[code] = []
    assert await counts("test", save(small)) == {
        "医生": [0, 0, 1], "执业点": [0, 0, 2], "排班模板": [0, 0, 2], "排班例外": [0, 0, 1],
        "收费": [0, 0, 2], "公告": [0, 0, 2], "预约规则": [0, 0, 1],
    }  # fmt: skip
    assert not (await Practitioner.get(code="1001")).active
    assert await ScheduleTemplate.filter(active=False).count() == 2
    assert not await ScheduleException.exists()
    assert not await Fee.exists()
    assert (await import_county("test", save(small))).empty


async def test_a_retired_row_comes_back_as_itself(db: None, small: Rows, save: Save) -> None:
    await import_county("test", save(small))
    before = await Department.get(organization__code="CUN")
    gone = {**small, "departments": small["departments"][:2]}
    await import_county("test", save(gone))
    assert not (await Department.get(id=before.id)).active
    difference = await import_county("test", save(small))
    assert difference.counts() == {"科室": [0, 1, 0]}
    assert difference.sheets[2].samples == ["~ CUN QK 全科诊室: 启用 否 → 是"]
    assert (await Department.get(id=before.id)).active


async def test_what_no_workbook_made_is_left_alone(db: None, small: Rows, save: Save) -> None:
    await import_county("test", save(small))
    template = await ScheduleTemplate.first()
    assert template is not None
    await ScheduleException.create(
        id=uuid4(), consortium_id=template.consortium_id, code="desk-1",
        organization_id=template.organization_id, held_on=date(2027, 1, 4), action="closed",
    )  # fmt: skip
    assert (await import_county("test", save(small))).empty
    assert await ScheduleException.filter(code="desk-1").exists()


async def test_a_changed_policy_is_a_new_version(
    db: None, noon: Hands, small: Rows, save: Save
) -> None:
    await import_county("test", save(small))
    small["policies"][0][5] = 10
    difference = await import_county("test", save(small))
    assert difference.sheets[-1].samples == ["~ XIAN: 预约天数 7 → 10"]
    assert await BookingPolicy.all().order_by("version").values_list("version", flat=True) == [1, 2]
    hospital = await Organization.get(code="XIAN")
    place = hospital.id, "county", "expert", date(2026, 11, 23)
    assert (await policies(hospital.consortium_id)).pick(*place).version == "XIAN@2"

    del small["policies"][0]
    await import_county("test", save(small))
    assert (await policies(hospital.consortium_id)).pick(*place).version == "built-in-county@1"
    assert (await import_county("test", save(small))).empty


async def test_a_faulty_file_changes_nothing(db: None, small: Rows, save: Save) -> None:
    await import_county("test", save(small))
    before = await everything()
    small["organizations"][1][1] = "改了名的医院"
    small["fees"][0][3] = "贵"
    with pytest.raises(WorkbookRejected):
        await import_county("test", save(small))
    assert await everything() == before


async def test_a_crash_while_writing_changes_nothing(db: None, small: Rows, save: Save) -> None:
    with (
        patch.object(importing.audit, "record", side_effect=RuntimeError("power cut")),
        pytest.raises(RuntimeError),
    ):
        await import_county("test", save(small))
    assert not any((await everything()).values())


async def test_a_rival_with_the_same_key_is_a_collision(
    db: None, small: Rows, save: Save, settings: Settings
) -> None:
    await import_county("test", save(small))
    hospital = await Organization.get(code="XIAN")
    await Practitioner.create(
        id=uuid4(), consortium_id=hospital.consortium_id, code="1002", name="余承舟"
    )
    small["practitioners"].append(["1002", "余承舟", "", ""])
    with pytest.raises(ImportCollision):
        await import_county("test", save(small))


async def test_consortia_do_not_touch_each_other(db: None, small: Rows, save: Save) -> None:
    await import_county("one", save(small))
    await import_county("two", save(small))
    assert await Organization.all().count() == 6
    small["departments"] = small["departments"][:2]
    assert await counts("two", save(small)) == {"科室": [0, 0, 1]}
    assert (await import_county("one", save({**small, "departments": [
        *small["departments"], ["CUN", "QK", "全科诊室", "02", "", "量血压"],
    ]}))).empty  # fmt: skip


def many(small: Rows, doctors: int) -> Rows:
    """`small` with so many doctors more, each with a role and two templates."""
    for number in range(doctors):
        code = f"D{number:05}"
        small["practitioners"].append([code, f"医生{number}", "主治医师", ""])
        small["roles"].append([code, "XIAN", "XNK", "主执业点", None, None])
        for weekday in ("周一", "周四"):
            small["templates"].append(
                ["XIAN", "XNK", code, weekday, "上午", "普通", "08:00", "11:30", 30, 2, None, "否",
                 None, None]
            )  # fmt: skip
    return small


def as_csv(rows: Rows, folder: Path) -> Path:
    """The same county as a folder of CSV files, as Excel saves them in China."""
    for sheet in SHEETS:
        with (folder / f"{sheet.name}.csv").open("w", encoding="gb18030", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(column.name for column in sheet.columns)
            lines.writerows(rows[sheet.code])
    return folder


async def test_a_folder_of_csv_says_the_same_as_a_workbook(
    db: None, small: Rows, save: Save, tmp_path: Path
) -> None:
    await import_county("test", save(small))
    assert (await import_county("test", as_csv(small, tmp_path))).empty


async def test_thousands_of_rows_are_never_held_at_once(
    db: None, small: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """See benchmarks/import_rows.py for 200,000 rows and the memory they take."""
    sizes: list[int] = []
    upsert = importing._upsert

    async def measured(table: Table, rows: list[dict[str, Any]]) -> None:
        sizes.append(len(rows))
        await upsert(table, rows)

    monkeypatch.setattr(importing, "_upsert", measured)
    seen: list[tuple[int, int | None, str]] = []
    path = as_csv(many(small, 550), tmp_path)
    difference = await import_county("test", path, progress=lambda *step: seen.append(step))
    assert sum(sizes) == difference.total - 1 > 2 * CHUNK  # all but the policy
    assert max(sizes) == CHUNK
    labels = list(dict.fromkeys(label.split()[0] for _, _, label in seen))
    assert labels == ["读取", "比对", "写入"]
    assert seen[-1][:2] == (difference.total - 1, difference.total)
    assert (await import_county("test", path)).empty
