"""The county's workbook on the web: checked first, and only what was checked is imported."""

from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from backend.booking.models import ScheduleTemplate
from backend.consortium.models import Department, Organization
from backend.county.importing import import_county
from tests.clinics import a_clinic
from tests.county.conftest import SMALL, Rows, Save, save, small
from tests.web.conftest import Desk, Pages, text_of

__all__ = ["save", "small"]


@pytest.fixture
async def boss(pages: Pages) -> Desk:
    return await pages.desk("consortium_admin")


async def _send(desk: Desk, path: Path, name: str = "county.xlsx") -> httpx.Response:
    body = path.read_bytes()  # noqa: ASYNC240
    origin = str(desk.http.base_url).rstrip("/")
    return await desk.http.post(
        "/staff/workbook",
        data={"csrf": desk.csrf},
        files={"file": (name, body)},
        headers={"cookie": desk.cookie, "origin": origin, "sec-fetch-site": "same-origin"},
    )


async def test_a_workbook_is_checked_and_then_imported(
    pages: Pages, boss: Desk, small: Rows, save: Save
) -> None:
    county = pages.settings.consortium
    await import_county(county, save(small))
    department = await Department.get(code="QK", name="全科医疗科")
    await ScheduleTemplate.create(
        id=uuid4(), consortium_id=department.consortium_id, code="staff:1", weekday=5,
        organization_id=department.organization_id, department=department, period="am",
        kind="general", starts="08:00", ends="10:00", slot_minutes=30, capacity=2,
    )  # fmt: skip
    small["organizations"][1][1] = "改名的县医院"
    answer = await _send(boss, save(small))
    assert answer.status_code == 200
    seen = text_of(answer)
    assert "停用的有 1 个是在排班页面上新建或改过的" in seen
    assert "改名的县医院" in seen
    assert not await Organization.filter(name="改名的县医院").exists()
    digest = answer.text.split('name="digest" value="')[1][:64]
    assert (await boss.post("/workbook/import", {"digest": "0" * 64})).status_code == 409
    assert (await boss.post("/workbook/import", {"digest": digest})).status_code == 303
    assert await Organization.filter(name="改名的县医院").exists()
    assert not (await ScheduleTemplate.get(code="staff:1")).active


async def test_faults_are_listed_and_nothing_changes(boss: Desk, small: Rows, save: Save) -> None:
    small["templates"][0][8] = 45  # 210 minutes
    answer = await _send(boss, save(small))
    assert "共 1 处错误" in text_of(answer)
    assert "号源间隔（分钟）" in text_of(answer)
    assert not await Organization.exists()
    assert "请选择 .xlsx 工作簿" in (await _send(boss, save(small), "county.xls")).text


async def test_what_is_too_large_is_refused(boss: Desk, tmp_path: Path) -> None:
    large = tmp_path / "large.xlsx"
    large.write_bytes(bytes(11 * 1024 * 1024))
    assert (await _send(boss, large)).status_code == 413
    large.write_bytes(bytes(2 * 1024 * 1024))
    answer = await _send(boss, large)
    assert "没有导入任何内容" in text_of(answer)


async def test_the_empty_workbook(boss: Desk) -> None:
    answer = await boss.get("/workbook/template")
    assert answer.content.startswith(b"PK")


async def test_whoever_has_a_part_of_the_county_finds_nothing(pages: Pages, save: Save) -> None:
    clinic = await a_clinic(pages.settings)
    for desk in (
        await pages.desk("institution_admin", clinic.organization),
        await pages.desk("consortium_admin", clinic.organization),
    ):
        assert (await desk.get("/workbook")).status_code == 404
        assert (await _send(desk, save(SMALL))).status_code == 404
