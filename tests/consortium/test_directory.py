"""Finding care: by distance, tier, name and symptom words; whole pages; nobody else's county."""

import dataclasses
import math
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from backend.api import paging
from backend.booking import fees
from backend.booking.models import Fee
from backend.consortium import directory as directories
from backend.consortium.directory import Directory, Org, directory, distance_km
from backend.consortium.models import (
    Consortium,
    Department,
    Organization,
    Practitioner,
    PractitionerRole,
)
from backend.errors import NotFound
from backend.settings import Settings
from tests.clinics import Clinic, a_clinic

HERE = (30.0, 120.0)
DAY = date(2026, 11, 23)


async def county_of(settings: Settings) -> Directory:
    directories.forget()
    return await directory(settings.consortium_id)


def an_org(latitude: float | None, longitude: float | None) -> Org:
    return Org(uuid4(), "", "village", "general", None, "", "", latitude, longitude, "")


# --- distance -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "there", "km"),
    [
        ((39.9042, 116.4074), (31.2304, 121.4737), 1067.3),  # 北京, 上海
        ((30.0, 120.0), (30.0, 120.0), 0.0),
        ((0.0, 0.0), (0.0, 180.0), 20015.1),
        ((90.0, 0.0), (-90.0, 77.0), 20015.1),
        ((30.0, 179.9), (30.0, -179.9), 19.26),
        ((30.0, 120.0), (30.1, 120.0), 11.12),
    ],
)
def test_distances_are_those_of_the_globe(
    here: tuple[float, float], there: tuple[float, float], km: float
) -> None:
    assert distance_km(here, an_org(*there)) == pytest.approx(km, rel=0.002, abs=0.01)


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180))
@bounded(deadline=None, derandomize=True)
def test_a_distance_is_the_same_both_ways_and_fits_on_earth(
    a: float, b: float, c: float, d: float
) -> None:
    there, back = distance_km((a, b), an_org(c, d)), distance_km((c, d), an_org(a, b))
    assert there is not None
    assert back is not None
    assert math.isclose(there, back, abs_tol=0.02)
    assert 0 <= there <= 20015.2


async def test_the_nearest_comes_first_and_who_has_no_place_last(
    db: None, settings: Settings
) -> None:
    for name, latitude in (("远", 31.0), ("近", 30.01), ("无", None), ("中", 30.5)):
        clinic = await a_clinic(settings, name=name)
        await Organization.filter(id=clinic.organization.id).update(
            latitude=latitude, longitude=latitude and 120.0
        )
    found = (await county_of(settings)).find_organizations(tier=None, near=HERE, q=None)
    assert [org.name for org, _ in found] == ["近", "中", "远", "无"]
    distances = [km for _, km in found]
    assert distances[-1] is None
    assert distances[0] == pytest.approx(1.11, abs=0.01)


async def test_without_a_place_by_tier_and_name(db: None, settings: Settings) -> None:
    for name, tier in (("乙", "village"), ("丙", "county"), ("甲", "village"), ("丁", "township")):
        await a_clinic(settings, name=name, tier=tier)
    county = await county_of(settings)
    found = county.find_organizations(tier=None, near=None, q=None)
    assert [org.tier for org, _ in found] == ["county", "township", "village", "village"]
    villages = county.find_organizations(tier="village", near=None, q=None)
    assert [org.name for org, _ in villages] == sorted(["乙", "甲"])


# --- words ----------------------------------------------------------------------------------------


async def a_department(settings: Settings, clinic: Clinic, name: str, keywords: str) -> Department:
    return await Department.create(
        id=uuid4(), consortium_id=settings.consortium_id, organization=clinic.organization,
        code=uuid4().hex, name=name, keywords=keywords,
    )  # fmt: skip


async def test_a_symptom_leads_to_its_department_the_better_match_first(
    db: None, settings: Settings
) -> None:
    clinic = await a_clinic(settings, tier="county")
    await Department.all().update(active=False)
    for name, keywords in (
        ("心血管内科", "胸闷 心慌 头晕"), ("神经内科", "头晕 头痛 手麻"), ("头晕门诊", "眩晕"),
        ("口腔科", "牙痛"), ("耳鼻喉科", "头晕耳鸣"),
    ):  # fmt: skip
        await a_department(settings, clinic, name, keywords)
    county = await county_of(settings)
    found = [dept.name for dept in county.find_departments(organization_id=None, q="头晕")]
    assert found[0] == "头晕门诊"
    assert set(found[1:3]) == {"心血管内科", "神经内科"}
    assert found[3:] == ["耳鼻喉科"]
    assert [
        d.name for d in county.find_departments(organization_id=None, q="我奶奶牙痛两天了")
    ] == ["口腔科"]
    assert county.find_departments(organization_id=None, q="骨折") == []
    assert len(county.find_departments(organization_id=clinic.organization.id, q=None)) == 5
    assert county.find_departments(organization_id=uuid4(), q=None) == []


async def test_of_equal_departments_the_nearest_comes_first(db: None, settings: Settings) -> None:
    best = await a_clinic(settings, tier="county", name="县医院")
    await Department.filter(id=best.department.id).update(name="头晕门诊")
    for name, tier, latitude in (
        ("远", "county", 31.0),
        ("近", "village", 30.01),
        ("无", "village", None),
    ):
        clinic = await a_clinic(settings, name=name, tier=tier)
        await Organization.filter(id=clinic.organization.id).update(latitude=latitude)
    county = await county_of(settings)

    def found(**wanted: Any) -> list[str]:
        hits = county.find_departments(organization_id=None, q="头晕", **wanted)
        return [county.organizations[dept.organization_id].name for dept in hits]

    assert found(near=HERE) == ["县医院", "近", "远", "无"]
    assert found(near=HERE, tier="village") == ["近", "无"]
    assert found()[:2] == ["县医院", "远"]


async def test_the_words_that_most_departments_answer_to(db: None, settings: Settings) -> None:
    clinic = await a_clinic(settings)
    await a_department(settings, clinic, "呼吸科", "咳嗽 气喘")
    await a_department(settings, clinic, "儿科", "咳嗽")
    county = await county_of(settings)
    assert county.common_words(9) == ["咳嗽", "头晕", "气喘"]
    assert county.common_words(1) == ["咳嗽"]


async def test_a_doctor_is_found_by_name_title_and_skill(db: None, settings: Settings) -> None:
    clinic = await a_clinic(settings)
    await Practitioner.all().update(good_at="高血压、糖尿病", name="欧阳锋", title="主任医师")
    county = await county_of(settings)
    for word, found in (("欧阳", 1), ("主任", 1), ("糖尿病", 1), ("李", 0), ("%", 0), ("_", 0)):
        hits = county.find_doctors(department_id=None, q=word, on=DAY)
        assert len(hits) == found, word
    assert county.find_doctors(department_id=uuid4(), q=None, on=DAY) == []
    assert county.find_doctors(department_id=clinic.department.id, q=None, on=DAY)


async def test_a_doctor_with_two_roles_is_one_doctor_with_both(
    db: None, settings: Settings
) -> None:
    """专家下沉: a county doctor who also works in a township for some weeks."""
    main = await a_clinic(settings, tier="county", name="县医院")
    outpost = await a_clinic(settings, name="卫生院")
    role = await PractitionerRole.create(
        id=uuid4(), consortium_id=settings.consortium_id, practitioner=main.practitioner,
        department=outpost.department, kind="outreach", from_on=date(2026, 11, 1),
        to_on=date(2026, 11, 30),
    )  # fmt: skip
    county = await county_of(settings)
    there = county.find_doctors(department_id=outpost.department.id, q=None, on=DAY)
    assert main.practitioner.id in {doctor.id for doctor in there}
    (doctor,) = (one for one in there if one.id == main.practitioner.id)
    assert {one.kind for one in doctor.roles} == {"main", "outreach"}
    later = county.find_doctors(department_id=outpost.department.id, q=None, on=date(2026, 12, 1))
    assert main.practitioner.id not in {doctor.id for doctor in later}
    (found,) = (one for one in doctor.roles if one.kind == "outreach")
    for day, covered in (
        (date(2026, 10, 31), False), (date(2026, 11, 1), True), (date(2026, 11, 30), True),
        (date(2026, 12, 1), False),
    ):  # fmt: skip
        assert found.covers(day) is covered
    assert role.kind == "outreach"


async def test_who_has_left_is_not_found(db: None, settings: Settings) -> None:
    clinic = await a_clinic(settings)
    for table, rows in (
        (Practitioner, "doctors"), (Department, "departments"), (Organization, "organizations"),
    ):  # fmt: skip
        assert len(getattr(await county_of(settings), rows)) == 1
        await table.all().update(active=False)
        assert getattr(await county_of(settings), rows) == {}
    county = await county_of(settings)
    assert county.departments == {}
    assert county.find_doctors(department_id=clinic.department.id, q=None, on=DAY) == []


async def test_another_county_is_never_seen(db: None, settings: Settings) -> None:
    elsewhere = dataclasses.replace(settings, consortium="elsewhere")
    await Consortium.create(id=elsewhere.consortium_id, code="elsewhere", name="外县")
    await a_clinic(elsewhere, name="外县医院")
    mine = await a_clinic(settings)
    county = await county_of(settings)
    assert set(county.organizations) == {mine.organization.id}
    assert set(county.departments) == {mine.department.id}
    assert set(county.doctors) == {mine.practitioner.id}
    assert (await directory(uuid4())).organizations == {}


async def test_the_stamp_changes_when_anything_does(db: None, settings: Settings) -> None:
    await a_clinic(settings)
    before = (await county_of(settings)).stamp
    assert (await county_of(settings)).stamp == before
    await Practitioner.all().update(title="副主任医师")
    assert (await county_of(settings)).stamp != before


# --- pages ----------------------------------------------------------------------------------------


def every_page(found: Sequence[Any], size: int) -> list[Any]:
    seen: list[Any] = []
    cursor = None
    for _ in range(len(found) + 1):
        page, cursor = paging.cut(found, cursor, size)
        assert len(page) <= size
        seen += page
        if cursor is None:
            return seen
    raise AssertionError("the pages have no end")


@pytest.mark.parametrize("size", [1, 3, 22, 23, 24, 100])
async def test_pages_are_whole_and_without_doubles(db: None, settings: Settings, size: int) -> None:
    for number in range(23):
        await a_clinic(settings, name=f"第{number % 4}卫生院")
    county = await county_of(settings)
    for found in (
        county.find_organizations(tier=None, near=None, q=None),
        county.find_organizations(tier=None, near=HERE, q=None),
        county.find_departments(organization_id=None, q=None),
        county.find_doctors(department_id=None, q=None, on=DAY),
    ):
        assert every_page(found, size) == list(found)
        assert len(found) == 23


async def test_the_order_is_the_same_at_every_question(db: None, settings: Settings) -> None:
    """Or a page would miss somebody: names and distances are often equal."""
    for _ in range(12):
        await a_clinic(settings, name="卫生院")

    async def order() -> list[list[Any]]:
        county = await county_of(settings)
        return [
            [org.id for org, _ in county.find_organizations(tier=None, near=HERE, q=None)],
            [dept.id for dept in county.find_departments(organization_id=None, q="头晕")],
            [one.id for one in county.find_doctors(department_id=None, q=None, on=DAY)],
        ]

    first = await order()
    assert await order() == first


async def test_an_institution_has_its_own_prices(db: None, settings: Settings) -> None:
    mine, other = await a_clinic(settings), await a_clinic(settings)
    for clinic, kind, fen in (
        (mine, "general", 1200), (mine, "expert", 0), (other, "general", 5),
    ):  # fmt: skip
        await Fee.create(
            id=uuid4(), consortium_id=settings.consortium_id, organization=clinic.organization,
            kind=kind, amount_fen=fen, item="诊察费",
        )  # fmt: skip
    rows = await fees.of_organization(settings.consortium_id, mine.organization.id)
    assert [(row.kind, row.amount_fen) for row in rows] == [("expert", 0), ("general", 1200)]
    for nobody in (uuid4(), mine.department.id):
        with pytest.raises(NotFound):
            await fees.of_organization(settings.consortium_id, nobody)
    with pytest.raises(NotFound):
        await fees.of_organization(uuid4(), mine.organization.id)


async def test_where_a_doctor_mainly_works_comes_before_outreach(
    db: None, settings: Settings
) -> None:
    """Pages take the first for the usual one."""
    main = await a_clinic(settings)
    for number in range(8):  # ids are random: one alone would stand right half of the time
        township = await a_clinic(settings, name=f"第{number}卫生院")
        await PractitionerRole.create(
            id=uuid4(), consortium_id=settings.consortium_id, practitioner=main.practitioner,
            department=township.department, kind="outreach", from_on=DAY,
        )  # fmt: skip
    doctor = (await county_of(settings)).doctors[main.practitioner.id]
    assert [role.kind for role in doctor.roles] == ["main"] + ["outreach"] * 8
