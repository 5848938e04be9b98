"""没人管的随访: whose doctor has left and who has no other, for who runs the place."""

from datetime import timedelta
from uuid import UUID

import pytest

from backend import clock
from backend.audit import AuditEvent
from backend.consortium.models import Organization
from backend.errors import NotFound
from backend.hub import Hub
from backend.identity.access import Actor
from backend.identity.models import FamilyDoctorContract
from backend.reminders import follow_ups, unattended
from backend.settings import Settings
from backend.staff.models import Staff, StaffRole
from tests.chat.duties import Town, a_town, contract
from tests.people import Person, a_person, a_staff
from tests.reminders.test_follow_ups import begin


@pytest.fixture
async def town(db: None, settings: Settings, hub: Hub, noon: clock.Hands) -> Town:
    return await a_town(settings, hub)


async def listed(by: Actor) -> list[UUID]:
    return [one.look.id for one in await unattended.list_of(by, after=None, most=20)]


async def leave(doctor: Actor) -> None:
    """The account is shut: the rows of roles stay, as they do."""
    await Staff.filter(id=doctor.id).update(disabled_at=clock.now())


async def test_whose_doctor_has_left_is_in_the_administrators_list(town: Town) -> None:
    zhou = await a_person(town.settings, "周强")
    look = await begin(town.zhao, zhou)
    assert await listed(town.admin) == []
    await leave(town.zhao)
    ((found, doctor),) = [
        (one.look, one.doctor) for one in await unattended.list_of(town.admin, after=None, most=20)
    ]
    assert (found.id, found.patient_name, found.about, doctor) == (look.id, "周*", "高血压", "赵强")
    assert await AuditEvent.filter(action="follow_up.listed", patient_id=zhou.patient_id).exists()
    await contract(town, zhou)
    assert await listed(town.admin) == []
    assert look.id in [one.id for one in await follow_ups.due_list(town.doctor, after=None, most=9)]


async def test_a_family_doctor_who_has_left_too_is_none(town: Town) -> None:
    look = await begin(town.doctor, town.wang)
    await leave(town.doctor)
    assert await listed(town.admin) == [look.id]


async def test_a_role_that_was_taken_back_counts_as_left(town: Town) -> None:
    look = await begin(town.zhao, town.wang)
    await FamilyDoctorContract.all().update(ended_at=clock.now())
    assert await listed(town.admin) == []
    later = clock.now() + timedelta(minutes=1)
    await StaffRole.filter(staff_id=town.zhao.id).update(ended_at=later)
    assert await listed(town.admin) == [look.id]


async def test_only_who_runs_the_place_where_it_was_begun_sees_it(
    town: Town, noon: clock.Hands
) -> None:
    zhou = await a_person(town.settings)
    look = await begin(town.zhao, zhou)
    await leave(town.zhao)
    village = a_staff(town.settings, "institution_admin", town.village.organization)
    assert await listed(village) == []
    everywhere = a_staff(town.settings, "institution_admin")
    assert await listed(everywhere) == [look.id]
    for other in (town.colleague, a_staff(town.settings, "consortium_admin"), zhou.actor):
        with pytest.raises(NotFound):
            await listed(other)
    # Where they have worked since, nobody has to do with it.
    noon.move(timedelta(days=1))
    await StaffRole.create(
        id=zhou.patient_id, consortium_id=town.settings.consortium_id, staff_id=town.zhao.id,
        role="doctor", organization=town.village.organization, granted_at=clock.now(),
    )  # fmt: skip
    assert await listed(village) == []
    await follow_ups.forget(zhou.patient_id)
    assert await listed(everywhere) == []


async def test_what_a_closed_institution_leaves_is_seen_by_the_one_above(town: Town) -> None:
    """That is when doctors leave."""
    look = await begin(town.zhao, await a_person(town.settings))
    await leave(town.zhao)
    above = a_staff(town.settings, "institution_admin", town.county.organization)
    closed = Organization.filter(id=town.township.organization.id)
    await closed.update(parent_id=town.county.organization.id)
    assert await listed(above) == []  # the rights for what is open say what stands below
    await closed.update(active=False)
    assert await listed(above) == [look.id]
    village = a_staff(town.settings, "institution_admin", town.village.organization)
    assert await listed(village) == []


async def test_a_page_at_a_time(town: Town) -> None:
    people: list[Person] = [await a_person(town.settings) for _ in range(3)]
    looks = [await begin(town.zhao, one, days=9 - at) for at, one in enumerate(people)]
    await leave(town.zhao)
    first = await unattended.list_of(town.admin, after=None, most=2)
    last = first[-1].look
    second = await unattended.list_of(town.admin, after=(last.due_on, last.id), most=2)
    assert [one.look.id for one in first + second] == [look.id for look in reversed(looks)]
