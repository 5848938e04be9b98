"""专家下沉: a second place of practice, and the way there."""

import asyncio
from datetime import time
from typing import Any

import pytest

from backend.booking.models import Schedule, ScheduleTemplate
from backend.consortium import directory
from backend.consortium.models import Organization, PractitionerRole
from backend.errors import Malformed, NotFound
from backend.roster import outreach
from backend.roster.errors import ScheduleClash
from tests.clinics import Clinic, a_clinic, a_schedule
from tests.people import a_staff
from tests.roster.conftest import Ward, after, audited, hours


@pytest.fixture
async def hospital(ward: Ward) -> Clinic:
    """A county hospital some 22 km from the ward: 48 minutes."""
    found = await a_clinic(ward.settings, tier="county", name="稻溪县人民医院")
    await Organization.filter(id=found.organization.id).update(latitude=30.3)
    directory.forget()
    return found


def _plan(ward: Ward, hospital: Clinic, **changes: Any) -> outreach.Plan:
    facts: dict[str, Any] = {
        "practitioner_id": hospital.practitioner.id,
        "department_id": ward.clinic.department.id,
        "from_on": after(1),
        "to_on": after(60),
        "hours": hours(period="pm", starts="14:00", ends="16:00"),
        "weekdays": [3],
    }
    return outreach.Plan(**(facts | changes))


def _both(ward: Ward, hospital: Clinic) -> Any:
    here = ward.clinic.organization, hospital.organization
    return a_staff(ward.settings, "institution_admin", *here)


async def test_a_doctor_goes_to_a_township(ward: Ward, hospital: Clinic) -> None:
    planned = await outreach.plan(_both(ward, hospital), _plan(ward, hospital), reason="对口帮扶")
    role = await PractitionerRole.get(id=planned.role_id)
    assert (role.kind, role.from_on, role.to_on) == ("outreach", after(1), after(60))
    template = await ScheduleTemplate.get(practitioner_id=hospital.practitioner.id)
    assert (template.kind, template.weekday, template.to_on) == ("outreach", 3, after(60))
    held = [row.held_on for row in await Schedule.all().order_by("held_on")]
    assert held == [after(2), after(9)]  # published at once
    assert (await audited("outreach.planned", role.id))["reason"] == "对口帮扶"


async def test_single_days_share_the_role(ward: Ward, hospital: Clinic) -> None:
    both = _both(ward, hospital)
    first = await outreach.plan(both, _plan(ward, hospital), reason="帮扶")
    days = _plan(ward, hospital, weekdays=[], days=[after(4), after(11)])
    second = await outreach.plan(both, days, reason="义诊")
    assert second.role_id == first.role_id
    assert [row.kind for row in second.schedules] == ["outreach", "outreach"]


async def test_too_little_time_for_the_way(ward: Ward, hospital: Clinic) -> None:
    await a_schedule(ward.settings, hospital, on=after(2), starts=time(13), slots=1)  # –13:30
    with pytest.raises(ScheduleClash) as refused:
        await outreach.plan(_both(ward, hospital), _plan(ward, hospital), reason="帮扶")
    for told in ("稻溪县人民医院", "青石镇卫生院", "13:00–13:30", "14:00–16:00", "需要 49 分钟"):
        assert told in refused.value.detail
    assert not await PractitionerRole.filter(kind="outreach").exists()
    later = _plan(ward, hospital, hours=hours(period="pm", starts="14:30", ends="16:00"))
    await outreach.plan(_both(ward, hospital), later, reason="帮扶")


async def test_whoever_plans_needs_both_sides(ward: Ward, hospital: Clinic) -> None:
    for one in (ward.admin, a_staff(ward.settings, "institution_admin", hospital.organization)):
        with pytest.raises(NotFound):
            await outreach.plan(one, _plan(ward, hospital), reason="帮扶")
    await outreach.plan(
        a_staff(ward.settings, "consortium_admin"), _plan(ward, hospital), reason="帮扶"
    )


async def test_what_no_plan_is(ward: Ward, hospital: Clinic) -> None:
    other = await a_clinic(ward.settings, tier="county", name="稻溪县中医院")
    for changes in (
        {"department_id": other.department.id},
        {"practitioner_id": ward.clinic.practitioner.id},
        {"to_on": after(0)},
        {"to_on": after(400)},
        {"from_on": after(-1)},
        {"weekdays": []},
        {"days": [after(3)]},
        {"weekdays": [], "days": [after(61)]},
    ):
        with pytest.raises(Malformed):
            await outreach.plan(
                a_staff(ward.settings, "consortium_admin"), _plan(ward, hospital, **changes),
                reason="试",
            )  # fmt: skip


async def test_of_many_plans_for_one_afternoon_one_holds(ward: Ward, hospital: Clinic) -> None:
    """Twenty townships want the same doctor: the doctor's row decides."""
    boss = a_staff(ward.settings, "consortium_admin")
    places = [await a_clinic(ward.settings, name=f"第{n}镇卫生院") for n in range(20)]
    await directory.directory(ward.settings.consortium_id)
    results = await asyncio.gather(
        *(
            outreach.plan(
                boss, _plan(ward, hospital, department_id=place.department.id, to_on=after(9)),
                reason="帮扶",
            )
            for place in places
        ),
        return_exceptions=True,
    )  # fmt: skip
    assert sum(isinstance(one, outreach.Planned) for one in results) == 1
    assert sum(isinstance(one, ScheduleClash) for one in results) == 19
    assert await ScheduleTemplate.filter(practitioner_id=hospital.practitioner.id).count() == 1
